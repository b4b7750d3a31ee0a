import { createHash } from "node:crypto";
import { concatBytes, fromUtf8, toHex, utf8 } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import { CloseStack } from "../../../base/close-stack.ts";
import { PoktHttpRequest } from "../../../chain/proto/http-envelope.ts";
import { headerMap } from "../../../chain/protocol/http-headers.ts";
import type { Answer } from "../../../runtime/client/answer.ts";
import { framed, GRPC_HEADERS } from "../../../runtime/client/grpc-frame.ts";
import { badAnswer, failed, type Outcome } from "../../../runtime/client/outcome.ts";
import { grpcSender, httpSender, type RelaySender } from "../../../runtime/client/sender.ts";
import { type AnsweringSupplier, type Signers, signRelay } from "../../../runtime/client/sign.ts";
import type { SourcedRelay } from "../../../runtime/client/source.ts";
import { webSocketSender } from "../../../runtime/client/websocket-sender.ts";
import { answersRequest, demoRequest } from "./demo-answers.ts";
import { backendKindOf, DEMO_KINDS, type DemoKind } from "./demo-kinds.ts";
import { Lanes } from "./lanes.ts";

/** A relay of the demo: what it asks is its own, and so is the answer. */
export type DemoRelay = SourcedRelay & { readonly id: string; readonly kind: DemoKind };

type Asked = {
  readonly id: string;
  readonly supplier: AnsweringSupplier;
  readonly kind: DemoKind;
  readonly turn: number;
  readonly url: string;
};

/** A relay with a request of its own inside, signed by one member of the application's ring. */
export function demoRelay(signers: Signers, { id, supplier, kind, turn, url }: Asked): DemoRelay {
  const payload = payloadOf(kind, id);
  return { ...signRelay(signers, supplier, { payload, turn }), id, kind, url, signers, price: undefined };
}

function payloadOf(kind: DemoKind, id: string): Uint8Array {
  const { method, url, body } = demoRequest(kind, id);
  if (kind === "websocket") return utf8(body);
  const typed = body === "" ? [] : [["content-type", "application/json"] as const];
  const header = headerMap(kind === "grpc" ? GRPC_HEADERS : typed);
  const bodyBz = kind === "grpc" ? framed(utf8(body)) : utf8(body);
  return PoktHttpRequest.encode({ method, header, url, bodyBz });
}

/** Relays that may be in flight. */
export const MAX_IN_FLIGHT = 64;
const ANSWER_WITHIN_MS = 5_000;
/** Connections over which the demo's WebSocket messages go. */
const WEBSOCKETS = 6;

/** The demo's gateway: sends relays to the localnet's relayer over each transport and checks that each answer is the one to its request. */
export class DemoClient extends CloseStack {
  readonly #senders: ReadonlyMap<DemoKind, RelaySender>;
  /** A message has its connection for itself until it is answered. */
  readonly #lanes = new Lanes(WEBSOCKETS);

  constructor(clock: Clock) {
    super();
    const common = { clock, timeoutMs: ANSWER_WITHIN_MS, headers: {} };
    const open = (kind: DemoKind): RelaySender => {
      if (kind === "websocket") return webSocketSender({ ...common, handshake: "v2", frames: "text" });
      if (kind === "grpc") return grpcSender({ ...common, kind });
      return httpSender({ ...common, kind: backendKindOf(kind), connections: MAX_IN_FLIGHT });
    };
    this.#senders = new Map(DEMO_KINDS.map((kind) => [kind, this.own(open(kind))]));
  }

  /** Never rejects. */
  async send(relay: DemoRelay): Promise<Outcome> {
    const sender = this.#senders.get(relay.kind);
    if (sender === undefined) throw new Error(`no transport for ${relay.kind}`);
    const outcome =
      relay.kind === "websocket"
        ? await this.#lanes.with((lane) => sender.send(relay, lane))
        : await sender.send(relay, 0);
    const problem = outcome.kind === "answered" ? demoProblem(relay, outcome.answers) : undefined;
    return problem === undefined ? outcome : failed(badAnswer(`bad answer: ${problem}`));
  }
}

/** What is wrong with signed answers: they must be those to our request. */
export function demoProblem({ id, kind }: DemoRelay, answers: readonly Answer[]): string | undefined {
  if (answers.length === 0) return "there is none";
  const bad = answers.find(({ http }) => http !== undefined && http.statusCode !== 200);
  if (bad !== undefined) return `the backend answered ${bad.http?.statusCode}`;
  const bodies = answers.map(({ http, response }) => http?.bodyBz ?? response.payload);
  const whole = concatBytes(...bodies);
  return answersRequest(id, fromUtf8(kind === "grpc" ? whole.subarray(5) : whole))
    ? undefined
    : "it answers another request";
}

/** A name for a relay that no other one of the run has. */
export const relayId = (seed: number, number: number): string =>
  toHex(createHash("sha256").update(`relay ${seed} ${number}`).digest().subarray(0, 12));
