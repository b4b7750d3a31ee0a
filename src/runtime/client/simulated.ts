import { toHex } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { addressOf } from "../../chain/protocol/address.ts";
import { prepareRing } from "../../chain/protocol/ring/prepare.ts";
import { membersOf } from "./session.ts";
import type { Signers } from "./sign.ts";

/** Names the key of a simulated relay, in HTTP, in a WebSocket's handshake, and in lower case in gRPC's metadata (relay-path 8). */
export const SIMULATION_HEADER = "Pocket-Simulation-Key-Id";

export type SimulatedIdentity = {
  /** As the relayer's configuration pins them, 33 bytes each. */
  readonly applicationKey: Uint8Array;
  readonly gatewayKeys: readonly Uint8Array[];
  readonly service: string;
  readonly privateKeys: readonly Uint8Array[];
};

/**
 * A session that no chain knows: what a simulated relay is signed in (relay-path 8). The id says when it was made and is good for one
 * relay. `nowMs` since the Unix epoch; `random` gives that many bytes. Throws AppError NOT_IN_RING.
 */
export function simulatedSigners(
  { applicationKey, gatewayKeys, service, privateKeys }: SimulatedIdentity,
  nowMs: number,
  random: (length: number) => Uint8Array,
): Signers {
  const publicKeys = [applicationKey, ...gatewayKeys];
  const members = membersOf(publicKeys, privateKeys);
  if (members.length === 0)
    throw new AppError("NOT_IN_RING", "The key given is none of the simulation's keys", {
      why: "a simulated relay is signed by the pinned application key or by one of the pinned gateway keys",
    });
  const header = {
    applicationAddress: addressOf(applicationKey),
    serviceId: service,
    sessionId: `simv1:${Math.floor(nowMs / 1000)}:${toHex(random(8))}`,
    sessionStartBlockHeight: 1n,
    sessionEndBlockHeight: 2n,
  };
  return { header, publicKeys, ring: prepareRing(publicKeys), members };
}
