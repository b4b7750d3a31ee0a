import { createHash } from "node:crypto";
import { Pool } from "undici";
import { EMPTY, equalBytes, fromUtf8, toHex, utf8 } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { toError } from "../../../base/errors.ts";
import { PoktHttpRequest, PoktHttpResponse } from "../../../chain/proto/http-envelope.ts";
import { RelayRequest, RelayResponse } from "../../../chain/proto/service.ts";
import type { SessionHeader } from "../../../chain/proto/session.ts";
import { headerMap } from "../../../chain/protocol/http-headers.ts";
import { payloadHash, requestDigest } from "../../../chain/protocol/relay-hash.ts";
import { verifyResponse } from "../../../chain/protocol/response-signature.ts";
import type { PreparedRing } from "../../../chain/protocol/ring/prepare.ts";
import { signRing } from "../../../chain/protocol/ring/sign.ts";
import type { HttpKind } from "../../../runtime/config/backends.ts";
import type { Actor } from "./actors.ts";
import { answersRequest, demoRequest } from "./backends.ts";

/** Who signs for an application in one session. */
export type Signers = {
  readonly header: SessionHeader;
  readonly ring: PreparedRing;
  /** In ring order. */
  readonly publicKeys: readonly Uint8Array[];
  /** The ring's members whose private keys we have; never empty. */
  readonly members: readonly { readonly index: number; readonly actor: Actor }[];
};

/** A signed relay, ready to be sent as often as it takes: the same bytes are the same relay. */
export type SignedRelay = {
  readonly id: string;
  readonly supplier: Actor;
  readonly rpcType: HttpKind;
  readonly bytes: Uint8Array;
};

export type Sent =
  | { readonly kind: "answered"; readonly latencyMs: number }
  | {
      readonly kind: "failed";
      readonly reason: string;
      /** Sending the same bytes again cannot help. */
      readonly final: boolean;
      /** Without a word from the relayer, or after a failure of its own, nobody knows. */
      readonly maybeStored: boolean;
    };

const RPC_NUMBERS: Readonly<Record<HttpKind, string>> = { jsonrpc: "3", rest: "4", cometbft: "5" };

/** A relay with a request of its own inside, signed by one member of the application's ring. */
export function signRelay(
  signers: Signers,
  { id, supplier, rpcType, turn }: { id: string; supplier: Actor; rpcType: HttpKind; turn: number },
): SignedRelay {
  const { method, url, body } = demoRequest(rpcType, id);
  const header = headerMap(body === "" ? [] : [["content-type", "application/json"]]);
  const payload = PoktHttpRequest.encode({ method, header, url, bodyBz: utf8(body) });
  const meta = { sessionHeader: signers.header, signature: EMPTY, supplierOperatorAddress: supplier.address };
  const unsigned: RelayRequest = { meta, payload };
  const { publicKeys, ring, members } = signers;
  const member = members[turn % members.length];
  if (member === undefined) throw new Error("nobody can sign for the application");
  const signature = signRing({
    publicKeys,
    ring,
    signerIndex: member.index,
    privateKey: member.actor.privateKey,
    digest: requestDigest(unsigned),
  });
  const bytes = RelayRequest.encode({ ...unsigned, meta: { ...meta, signature } });
  return { id, supplier, rpcType, bytes };
}

/** Relays that may be in flight: each has a connection of its own. */
export const MAX_IN_FLIGHT = 64;
const ANSWER_WITHIN_MS = 5_000;

/** A gateway's connection to one relayer: posts relays with keep-alive and checks what comes back. */
export class RelayClient implements Closable {
  readonly #pool: Pool;
  readonly #clock: Clock;

  constructor(url: string, clock: Clock) {
    this.#clock = clock;
    this.#pool = new Pool(url, {
      connections: MAX_IN_FLIGHT,
      pipelining: 1,
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: ANSWER_WITHIN_MS,
    });
  }

  /** Never rejects. */
  async send(relay: SignedRelay): Promise<Sent> {
    const start = this.#clock.monotonic();
    try {
      const { statusCode, body } = await this.#pool.request({
        method: "POST",
        path: "/",
        headers: { "content-type": "application/octet-stream", "rpc-type": RPC_NUMBERS[relay.rpcType] },
        body: relay.bytes,
      });
      const bytes = new Uint8Array(await body.arrayBuffer());
      if (statusCode !== 200) return refusal(statusCode, bytes);
      const problem = answerProblem(relay, bytes);
      if (problem !== undefined) return failed(`bad answer: ${problem}`, { final: true, maybeStored: true });
      return { kind: "answered", latencyMs: this.#clock.monotonic() - start };
    } catch (thrown) {
      const error: NodeJS.ErrnoException = toError(thrown);
      return failed(error.message, { final: false, maybeStored: error.code !== "ECONNREFUSED" });
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** What is wrong with an answer of status 200: the supplier must have signed this very answer, and it must be the one to our request. */
export function answerProblem({ id, supplier }: SignedRelay, bytes: Uint8Array): string | undefined {
  try {
    const response = RelayResponse.decode(bytes);
    if (!verifyResponse(response, supplier.publicKey)) return "the supplier's signature is not valid";
    if (
      response.payloadHash === undefined ||
      !equalBytes(response.payloadHash, payloadHash(response.payload))
    )
      return "the signed hash is not the payload's";
    const { statusCode, bodyBz } = PoktHttpResponse.decode(response.payload);
    if (statusCode !== 200) return `the backend answered ${statusCode}`;
    return answersRequest(id, fromUtf8(bodyBz)) ? undefined : "it answers another request";
  } catch (thrown) {
    return toError(thrown).message;
  }
}

/** Below 500 the relayer has judged the relay itself; what it says from 500 on, and 429, may pass. */
function refusal(status: number, body: Uint8Array): Sent {
  let text = "";
  try {
    text = String((JSON.parse(fromUtf8(body)) as { error?: unknown }).error ?? "");
  } catch {
    text = "no reason given";
  }
  const final = status < 500 && status !== 429;
  return failed(`${status} ${text.slice(0, 120)}`, { final, maybeStored: status >= 500 });
}

const failed = (reason: string, what: { final: boolean; maybeStored: boolean }): Sent => ({
  kind: "failed",
  reason,
  ...what,
});

/** A name for a relay that no other one of the run has. */
export const relayId = (seed: number, number: number): string =>
  toHex(createHash("sha256").update(`relay ${seed} ${number}`).digest().subarray(0, 12));
