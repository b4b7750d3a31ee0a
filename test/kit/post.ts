import { setTimeout as sleep } from "node:timers/promises";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import type { Network } from "./network.ts";
import { runningTime } from "./running-time.ts";

export type Answer = {
  readonly status: number;
  /** What an error says; "" for a relay that was served. */
  readonly error: string;
  /** The backend's answer in a signed response; undefined for an error. Throws on 200 without the supplier's signature. */
  readonly inner: PoktHttpResponse | undefined;
  readonly headers: Headers;
};

/** Sends one relay as a gateway does. */
export async function post(
  network: Network,
  request: RelayRequest,
  { url = network.url, headers = {} }: { url?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const body = Buffer.from(RelayRequest.encode(request));
  const response = await fetch(url, { method: "POST", body, headers });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { status } = response;
  if (status !== 200) {
    const { error } = JSON.parse(new TextDecoder().decode(bytes));
    return { status, error, inner: undefined, headers: response.headers };
  }
  const signed = RelayResponse.decode(bytes);
  if (!verifyResponse(signed, network.supplier.publicKey)) throw new Error("a 200 that is not signed");
  return { status, error: "", inner: PoktHttpResponse.decode(signed.payload), headers: response.headers };
}

/** Asks until the answer is as wanted, for at most `patienceMs` of this process; the last answer in any case. */
export async function until<Value>(
  ask: () => Promise<Value>,
  isWanted: (value: Value) => boolean,
  patienceMs = 10_000,
): Promise<Value> {
  const deadline = runningTime() + patienceMs;
  for (;;) {
    const value = await ask();
    if (isWanted(value) || runningTime() > deadline) return value;
    await sleep(50);
  }
}
