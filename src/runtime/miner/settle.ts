import type { Logger } from "../../base/logger.ts";
import type { ChainClient, ChainEvent } from "../../chain/node/types.ts";
import type { SessionOutcome, SessionRecord } from "../redis/session-record.ts";

/** What became of a claim (mining-path 4.7, 6.3). Amounts in upokt. */
export type Settlement = {
  readonly outcome: "settled_proven" | "settled_unproven" | "expired" | "discarded";
  readonly height: bigint;
  readonly relays: bigint;
  readonly claimed: bigint;
  readonly paid: bigint;
  readonly slashed: bigint;
  readonly why: string;
};

const SETTLED = "pocket.tokenomics.EventClaimSettled";
const EXPIRED = "pocket.tokenomics.EventClaimExpired";
const SLASHED = "pocket.tokenomics.EventSupplierSlashed";
const DISCARDED = "pocket.tokenomics.EventClaimDiscarded";
const TOLD: ReadonlySet<string> = new Set([SETTLED, EXPIRED, SLASHED, DISCARDED]);
const VALIDATED = "1";

type Attributes = Readonly<Record<string, string | undefined>>;

/** The blocks of a few settlements, of all suppliers together. */
const BLOCKS_KEPT = 8;

/** What a block settled, by the supplier it is told of. */
type Told = ReadonlyMap<string, readonly ChainEvent[]>;

/** Reads the blocks in which claims settle; each block once, however many sessions it settles. */
export class Settlements {
  readonly #client: Pick<ChainClient, "blockResults">;
  readonly #logger: Logger;
  readonly #blocks = new Map<bigint, Promise<Told>>();

  constructor(client: Pick<ChainClient, "blockResults">, logger: Logger) {
    this.#client = client;
    this.#logger = logger;
  }

  /** The outcome of a session's claim in the block `height`; undefined when that block says nothing of it. Throws as the client does. */
  async find(record: SessionRecord, height: bigint): Promise<Settlement | undefined> {
    const told = await this.#toldOf(height);
    return settlementOf(record, height, told.get(record.supplier) ?? [], this.#logger);
  }

  #toldOf(height: bigint): Promise<Told> {
    const known = this.#blocks.get(height);
    if (known !== undefined) return known;
    const reading = this.#client.blockResults(height).then(({ events }) => bySupplier(events));
    this.#blocks.set(height, reading);
    reading.catch(() => this.#blocks.delete(height));
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= BLOCKS_KEPT) break;
      this.#blocks.delete(oldest);
    }
    return reading;
  }
}

/** Thousands of sessions settle in one block: each looks only at its supplier's events. */
function bySupplier(events: readonly ChainEvent[]): Told {
  const told = new Map<string, ChainEvent[]>();
  for (const event of events) {
    if (!TOLD.has(event.type)) continue;
    const supplier = attributesOf(event)["supplier_operator_address"] ?? "";
    const known = told.get(supplier);
    if (known === undefined) told.set(supplier, [event]);
    else known.push(event);
  }
  return told;
}

/** Only EventClaimSettled names the session; the others are matched by who, what and when (mining-path 6.3). */
export function settlementOf(
  record: SessionRecord,
  height: bigint,
  events: readonly ChainEvent[],
  logger: Logger,
): Settlement | undefined {
  for (const event of events) {
    if (event.type !== SETTLED) continue;
    const told = attributesOf(event);
    if (told["session_id"] !== record.sessionId || told["supplier_operator_address"] !== record.supplier)
      continue;
    return {
      outcome: told["claim_proof_status_int"] === VALIDATED ? "settled_proven" : "settled_unproven",
      height,
      relays: integer(told["num_relays"]),
      claimed: upokt(told["claimed_upokt"]),
      paid: upokt(told["settled_upokt"]),
      slashed: 0n,
      why: "",
    };
  }
  const expired = events.find((event) => event.type === EXPIRED && isOf(record, attributesOf(event)));
  if (expired) return ofExpired(record, height, expired, events);
  const discarded = events.find((event) => event.type === DISCARDED && isOf(record, attributesOf(event)));
  if (discarded === undefined) return undefined;
  const why = attributesOf(discarded)["error"] ?? "";
  logger.error({ session: record.sessionId, why }, "the chain discarded a claim");
  return { outcome: "discarded", height, relays: 0n, claimed: 0n, paid: 0n, slashed: 0n, why };
}

function ofExpired(
  record: SessionRecord,
  height: bigint,
  event: ChainEvent,
  events: readonly ChainEvent[],
): Settlement {
  const told = attributesOf(event);
  const slash = events.find(
    ({ type, attributes }) => type === SLASHED && isOf(record, attributesOf({ type, attributes })),
  );
  return {
    outcome: "expired",
    height,
    relays: integer(told["num_relays"]),
    claimed: upokt(told["claimed_upokt"]),
    paid: 0n,
    slashed: slash ? upokt(attributesOf(slash)["proof_missing_penalty"]) : 0n,
    why: told["expiration_reason"] ?? "unknown",
  };
}

const isOf = (record: SessionRecord, told: Attributes): boolean =>
  told["supplier_operator_address"] === record.supplier &&
  told["application_address"] === record.application &&
  told["service_id"] === record.serviceId &&
  told["session_end_block_height"] === record.endHeight.toString();

/** Attribute values are JSON: texts and 64-bit integers quoted, others bare. */
function attributesOf({ attributes }: ChainEvent): Attributes {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, /^".*"$/s.test(value) ? value.slice(1, -1) : value]),
  );
}

const integer = (text: string | undefined): bigint =>
  text !== undefined && /^\d+$/.test(text) ? BigInt(text) : 0n;
const upokt = (text: string | undefined): bigint => integer(text?.replace(/upokt$/, ""));

/** For the session's record. */
export const outcomeOf = ({ outcome, height, claimed, paid, slashed }: Settlement): SessionOutcome => ({
  settlementOutcome: outcome,
  settlementHeight: height,
  settlementClaimed: claimed,
  settlementPaid: paid,
  settlementSlashed: slashed,
});
