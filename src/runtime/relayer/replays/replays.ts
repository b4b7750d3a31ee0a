import { digestOfRequest } from "../../../chain/protocol/request-bytes.ts";
import { signatureIdentity } from "../../../chain/protocol/ring/identity.ts";
import { Reject } from "../rejects.ts";
import type { PreparedSession } from "../sessions.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import type { Metered } from "../steps/meter.ts";
import { SeenIds } from "./seen-ids.ts";

type ReplaySettings = {
  readonly replays: "process" | "fleet" | "off";
  readonly replays_by: "signature" | "request";
  readonly replay_memory_mb: number;
};

export type ReplayFigures = { readonly ids: number; readonly bytes: number; readonly forgotten: number };

/** Meters a relay that is not known here; `id` goes along where the whole fleet is to know it. */
type MeterOnce = (
  relay: DecodedRelay,
  session: PreparedSession,
  id: Uint8Array | undefined,
) => Promise<Metered>;

/** More members than any honest ring has: what is longer is not worth sorting before it is verified. */
const MOST_SIGNATURE_BYTES = 69 + 65 * 64;
const FLEET_ID_BYTES = 16;

/**
 * Recognises a relay that was taken before (relay-path 10.2, 8). It is remembered once its signature is verified, so strangers fill
 * nothing, and forgotten when it fails after that, so an honest retry works. Two requests of equal bytes with a signature each are two
 * relays: gateways ask the same question again and again, and sign it anew every time.
 */
export class Replays {
  readonly #settings: ReplaySettings;
  readonly #seen: SeenIds;

  constructor(settings: ReplaySettings) {
    this.#settings = settings;
    this.#seen = new SeenIds(settings.replay_memory_mb * 1_048_576);
  }

  /** For the metrics. */
  figures(): ReplayFigures {
    return { ids: this.#seen.size, bytes: this.#seen.bytes, forgotten: this.#seen.forgotten };
  }

  /** Sessions that are over at this height need no memory: their relays are refused without it. */
  reached(height: bigint): void {
    this.#seen.reached(height);
  }

  /** Before anything is spent on a relay. Throws Reject replayed when it is one that was taken here. */
  requireNew(relay: DecodedRelay): void {
    if (this.#settings.replays === "off" || relay.request.signature.length > MOST_SIGNATURE_BYTES) return;
    const id = this.#idOf(relay);
    if (id !== undefined && this.#seen.has(id, relay.header.sessionEndBlockHeight))
      throw new Reject("replayed");
  }

  /** The step between verifying and serving: a relay is taken once, and then metered. Throws Reject replayed, and what `meter` throws. */
  once(meter: MeterOnce): (relay: DecodedRelay, session: PreparedSession) => Promise<Metered> {
    const { replays } = this.#settings;
    if (replays === "off") return (relay, session) => meter(relay, session, undefined);
    return async (relay, session) => {
      const id = this.#idOf(relay);
      if (id === undefined) throw new Reject("signature_invalid");
      const end = session.header.sessionEndBlockHeight;
      if (!this.#seen.add(id, end, session.lastHeight)) throw new Reject("replayed");
      let metered: Metered;
      try {
        metered = await meter(
          relay,
          session,
          replays === "fleet" ? id.subarray(0, FLEET_ID_BYTES) : undefined,
        );
      } catch (thrown) {
        const isKnownElsewhere = thrown instanceof Reject && thrown.code === "replayed";
        if (!isKnownElsewhere) this.#seen.remove(id, end);
        throw thrown;
      }
      return {
        refund: () => {
          this.#seen.remove(id, end);
          return metered.refund();
        },
      };
    };
  }

  #idOf(relay: DecodedRelay): Uint8Array | undefined {
    relay.digest ??= digestOfRequest(relay.request);
    if (this.#settings.replays_by === "request") return relay.digest;
    relay.identity ??= signatureIdentity(relay.digest, relay.request.signature);
    return relay.identity;
  }
}
