import { toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Block, ChainClient, ChainEvent } from "../../../chain/node/types.ts";

/** Whose relays of which session: what every figure of the report is counted by. */
export type SessionKey = {
  readonly supplier: string;
  readonly application: string;
  readonly service: string;
  readonly sessionEnd: bigint;
};

export const keyText = ({ supplier, application, service, sessionEnd }: SessionKey): string =>
  `${sessionEnd}|${service}|${application}|${supplier}`;

/** What the chain itself told of one claim, in its events; nothing here comes from the miner. */
export type ClaimFacts = {
  readonly claimedAt: bigint | undefined;
  readonly claimedRelays: bigint;
  readonly claimedUpokt: bigint;
  /** The chain takes no proof that it does not require (mining-path 4.5, step 11). */
  readonly proofSubmitted: boolean;
  readonly proofVerified: boolean;
  /** Why the chain found a proof wrong. */
  readonly proofFailure: string | undefined;
  readonly settled: Settled | undefined;
  /** Why nothing was paid: expired or discarded, in the chain's words. */
  readonly unpaid: string | undefined;
};

export type Settled = {
  readonly height: bigint;
  readonly relays: bigint;
  readonly upokt: bigint;
};

/**
 * Whether the chain wanted a proof. What EventClaimSettled says of it is drawn anew, with the status in the claim's hash, and may differ
 * (mining-path 4.3).
 */
export const isProofRequired = ({ proofSubmitted, unpaid }: ClaimFacts): boolean =>
  proofSubmitted || unpaid?.startsWith(EXPIRED) === true;

const EXPIRED = "expired";

const NOTHING: ClaimFacts = {
  claimedAt: undefined,
  claimedRelays: 0n,
  claimedUpokt: 0n,
  proofSubmitted: false,
  proofVerified: false,
  proofFailure: undefined,
  settled: undefined,
  unpaid: undefined,
};

const VALIDATED = "1";

type Told = Readonly<Record<string, string | undefined>>;
type Change = (facts: ClaimFacts, told: Told, height: bigint) => ClaimFacts;

const claimed: Change = (facts, told, height) => ({
  ...facts,
  claimedAt: height,
  claimedRelays: integer(told["num_relays"]),
  claimedUpokt: upokt(told["claimed_upokt"]),
});

const submitted: Change = (facts) => ({ ...facts, proofSubmitted: true });

/** How each event changes what is known of its claim (mining-path 6.3). */
const CHANGES: Readonly<Record<string, Change>> = {
  "pocket.proof.EventClaimCreated": claimed,
  "pocket.proof.EventClaimUpdated": claimed,
  "pocket.proof.EventProofSubmitted": submitted,
  "pocket.proof.EventProofUpdated": submitted,
  "pocket.proof.EventProofValidityChecked": (facts, told) => {
    const verified = told["claim_proof_status_int"] === VALIDATED;
    return {
      ...facts,
      proofVerified: verified,
      proofFailure: verified ? undefined : (told["failure_reason"] ?? ""),
    };
  },
  "pocket.tokenomics.EventClaimSettled": (facts, told, height) => ({
    ...facts,
    settled: {
      height,
      relays: integer(told["num_relays"]),
      upokt: upokt(told["settled_upokt"]),
    },
  }),
  "pocket.tokenomics.EventClaimExpired": (facts, told) => ({
    ...facts,
    unpaid: `${EXPIRED}: ${told["expiration_reason"] ?? "unknown"}`,
  }),
  "pocket.tokenomics.EventClaimDiscarded": (facts, told) => ({
    ...facts,
    unpaid: `discarded: ${told["error"] ?? "unknown"}`,
  }),
};

/** Reads every block's results in order and keeps what they say of claims. */
export class ChainFacts {
  readonly #client: Pick<ChainClient, "blockResults">;
  readonly #logger: Logger;
  readonly #claims = new Map<string, ClaimFacts>();
  #reading: Promise<void> = Promise.resolve();
  #height = 0n;

  constructor(client: Pick<ChainClient, "blockResults">, logger: Logger) {
    this.#client = client;
    this.#logger = logger;
  }

  /** The newest block whose events are counted. */
  get height(): bigint {
    return this.#height;
  }

  of(key: SessionKey): ClaimFacts {
    return this.#claims.get(keyText(key)) ?? NOTHING;
  }

  /** To be told of each block, once and in order. */
  onBlock(block: Block): void {
    this.#reading = this.#reading.then(() => this.#read(block.height));
  }

  async #read(height: bigint): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { txs, events } = await this.#client.blockResults(height);
        for (const tx of txs) if (tx.code === 0) this.take(tx.events, height);
        this.take(events, height);
        this.#height = height;
        return;
      } catch (thrown) {
        this.#logger.warn(
          { height, attempt, error: toError(thrown).message },
          "a block's events were not read",
        );
        if (attempt >= MAX_READS) return;
      }
    }
  }

  take(events: readonly ChainEvent[], height: bigint): void {
    for (const event of events) {
      const change = CHANGES[event.type];
      if (change === undefined) continue;
      const told = attributesOf(event);
      const key = keyText({
        supplier: told["supplier_operator_address"] ?? "",
        application: told["application_address"] ?? "",
        service: told["service_id"] ?? "",
        sessionEnd: integer(told["session_end_block_height"]),
      });
      this.#claims.set(key, change(this.#claims.get(key) ?? NOTHING, told, height));
    }
  }
}

const MAX_READS = 5;

/** Values are JSON: texts and 64-bit integers quoted, others bare (mining-path 6.3). */
const attributesOf = ({ attributes }: ChainEvent): Told =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, /^".*"$/s.test(value) ? value.slice(1, -1) : value]),
  );

const integer = (text: string | undefined): bigint =>
  text !== undefined && /^\d+$/.test(text) ? BigInt(text) : 0n;
const upokt = (text: string | undefined): bigint => integer(text?.replace(/upokt$/, ""));
