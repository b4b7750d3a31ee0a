import { createHash } from "node:crypto";
import { fromUtf8, toHex, utf8 } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { PoktHttpRequest } from "../../../chain/proto/http-envelope.ts";
import { headerMap } from "../../../chain/protocol/http-headers.ts";
import type { Answer } from "../../../runtime/client/answer.ts";
import { HttpTransport } from "../../../runtime/client/http-transport.ts";
import { badAnswer, failed, type Outcome } from "../../../runtime/client/outcome.ts";
import {
  type AnsweringSupplier,
  type SignedRelay,
  type Signers,
  signRelay,
} from "../../../runtime/client/sign.ts";
import { HTTP_KINDS, type HttpKind } from "../../../runtime/config/backends.ts";
import { answersRequest, demoRequest } from "./backends.ts";

/** A relay of the demo: what it asks is its own, and so is the answer. */
export type DemoRelay = SignedRelay & { readonly id: string; readonly kind: HttpKind };

type Asked = {
  readonly id: string;
  readonly supplier: AnsweringSupplier;
  readonly kind: HttpKind;
  readonly turn: number;
};

/** A relay with a request of its own inside, signed by one member of the application's ring. */
export function demoRelay(signers: Signers, { id, supplier, kind, turn }: Asked): DemoRelay {
  const { method, url, body } = demoRequest(kind, id);
  const header = headerMap(body === "" ? [] : [["content-type", "application/json"]]);
  const payload = PoktHttpRequest.encode({ method, header, url, bodyBz: utf8(body) });
  return { ...signRelay(signers, supplier, { payload, turn }), id, kind };
}

/** Relays that may be in flight: each has a connection of its own. */
export const MAX_IN_FLIGHT = 64;
const ANSWER_WITHIN_MS = 5_000;

/** The demo's gateway: posts relays to the localnet's relayer and checks that each answer is the one to its request. */
export class DemoClient implements Closable {
  readonly #transports: ReadonlyMap<HttpKind, HttpTransport>;

  constructor(url: string, clock: Clock) {
    const open = (kind: HttpKind) =>
      new HttpTransport({ url, kind, clock, timeoutMs: ANSWER_WITHIN_MS, connections: MAX_IN_FLIGHT });
    this.#transports = new Map(HTTP_KINDS.map((kind) => [kind, open(kind)]));
  }

  /** Never rejects. */
  async send(relay: DemoRelay): Promise<Outcome> {
    const outcome = await this.#transports.get(relay.kind)?.send(relay);
    if (outcome === undefined) throw new Error(`no transport for ${relay.kind}`);
    const problem = outcome.kind === "answered" ? demoProblem(relay, outcome.answers) : undefined;
    return problem === undefined ? outcome : failed(badAnswer(`bad answer: ${problem}`));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#transports.values()].map((transport) => transport.close()));
  }
}

/** What is wrong with a signed answer: it must be the one to our request. */
export function demoProblem({ id }: DemoRelay, [answer]: readonly Answer[]): string | undefined {
  if (answer?.http === undefined) return "there is none";
  const { statusCode, bodyBz } = answer.http;
  if (statusCode !== 200) return `the backend answered ${statusCode}`;
  return answersRequest(id, fromUtf8(bodyBz)) ? undefined : "it answers another request";
}

/** A name for a relay that no other one of the run has. */
export const relayId = (seed: number, number: number): string =>
  toHex(createHash("sha256").update(`relay ${seed} ${number}`).digest().subarray(0, 12));
