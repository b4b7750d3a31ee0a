import { AppError } from "../../src/base/errors.ts";
import type { BlockResults, BroadcastResult, ChainEvent } from "../../src/chain/node/types.ts";
import { type Any, BaseAccount } from "../../src/chain/proto/cosmos.ts";
import { Claim, MsgCreateClaim, MsgSubmitProof, type ProofParams } from "../../src/chain/proto/proof.ts";
import { QUERIES, type Query } from "../../src/chain/proto/queries.ts";
import { RelayMiningDifficulty } from "../../src/chain/proto/service.ts";
import { Session } from "../../src/chain/proto/session.ts";
import { SharedParams } from "../../src/chain/proto/shared.ts";
import { TxBody, TxRaw } from "../../src/chain/proto/tx.ts";
import { BASE_TARGET } from "../../src/chain/protocol/difficulty.ts";
import { txHash } from "../../src/chain/protocol/tx/build.ts";
import { toAny, typeUrl } from "../../src/chain/protocol/tx/message.ts";
import type { ChainData } from "../../src/runtime/cache/chain-data.ts";

export const UNITS = 100n;

/** Session end 20: claim 22 to 26, proof 27 to 31, settlement 31. */
export const PARAMS = SharedParams.create({
  numBlocksPerSession: 10n,
  gracePeriodEndOffsetBlocks: 1n,
  claimWindowOpenOffsetBlocks: 1n,
  claimWindowCloseOffsetBlocks: 4n,
  proofWindowOpenOffsetBlocks: 1n,
  proofWindowCloseOffsetBlocks: 4n,
  computeUnitsToTokensMultiplier: 1_000_000n,
  computeUnitCostGranularity: 1_000n,
  sessionGridAnchorHeight: 1n,
  sessionNumberAtAnchor: 1n,
});

type Sent = {
  readonly claims: MsgCreateClaim[];
  readonly proofs: MsgSubmitProof[];
  readonly bytes: Uint8Array;
};

const unreachable = () => new AppError("CHAIN_UNREACHABLE", "scripted to be away");
const refusal = (log: string) => new AppError("CHAIN_TX_REFUSED", log, { code: 6, codespace: "sdk", log });

/** What a test says the chain is; only the methods that the miner uses. Nothing happens by itself. */
export class ScriptedChain {
  height = 15n;
  /** Every call fails as when no endpoint answers. */
  away = false as boolean;
  /** Endpoint name → its word on a seed block, where it differs. */
  liars: { readonly name: string; readonly hash: Uint8Array }[] = [];
  /** What a simulation says against a message, if anything. */
  objection: (message: Any, all: number) => string | undefined = () => undefined;
  /** What a broadcast answers; throws for no answer. */
  onBroadcast: (sent: Sent) => Partial<BroadcastResult> = () => ({});
  readonly claims = new Map<string, Claim>();
  readonly events = new Map<bigint, ChainEvent[]>();
  readonly sent: Sent[] = [];
  readonly sessions = new Map<string, Session>();
  /** Sessions that the chain refuses, and in which words. */
  readonly refusedSessions = new Map<string, string>();
  params: SharedParams = PARAMS;
  proofParams: ProofParams = {
    proofRequestProbability: 1,
    proofRequirementThreshold: { denom: "upokt", amount: "1" },
    proofMissingPenalty: undefined,
    proofSubmissionFee: undefined,
  };
  asked = 0;

  #here(): void {
    this.asked++;
    if (this.away) throw unreachable();
  }

  readonly client = {
    query: async <Req, Res>(query: Query<Req, Res>, request: Req, height?: bigint): Promise<Res> => {
      this.#here();
      if (query.path === QUERIES.account.path) {
        const { address } = request as { readonly address: string };
        const account = BaseAccount.create({ address, accountNumber: 7n });
        return { account: toAny(BaseAccount, account) } as Res;
      }
      if (query.path !== QUERIES.allClaims.path) throw new Error(`not scripted: ${query.path}`);
      if (height !== this.height) throw new Error(`asked at ${height}, not at ${this.height}`);
      return QUERIES.allClaims.response.create({ claims: [...this.claims.values()] }) as Res;
    },
    simulate: async (tx: Uint8Array) => {
      this.#here();
      const { messages } = TxBody.decode(TxRaw.decode(tx).bodyBytes);
      for (const [index, message] of messages.entries()) {
        const log = this.objection(message, messages.length);
        if (log === undefined) continue;
        if (log.startsWith("whole:")) throw refusal(log);
        throw refusal(`failed to execute message; message index: ${index}: ${log}`);
      }
      return { gasUsed: 100_000n };
    },
    broadcast: async (bytes: Uint8Array): Promise<BroadcastResult> => {
      this.#here();
      const sent = decodeSent(bytes);
      this.sent.push(sent);
      const answer = this.onBroadcast(sent);
      return { hash: txHash(bytes), code: 0, codespace: "", log: "", ...answer };
    },
    block: async (height?: bigint) => {
      this.#here();
      return {
        height: height ?? this.height,
        hash: seedHash(height ?? this.height),
        timeMs: 1_700_000_000_000,
      };
    },
    blockHashes: async (height: bigint) => {
      this.#here();
      return [{ name: "first", hash: seedHash(height) }, ...this.liars];
    },
    blockResults: async (height: bigint): Promise<BlockResults> => {
      this.#here();
      return { height, txs: [], events: this.events.get(height) ?? [] };
    },
  };

  /** As the caches would answer; "away" is an error here too, as for values that were never read. */
  readonly data = {
    session: async (application: string, serviceId: string, height: bigint): Promise<Session> => {
      this.#here();
      const name = `${application}:${serviceId}:${height}`;
      const log = this.refusedSessions.get(name);
      if (log !== undefined) throw new AppError("CHAIN_REFUSED", log, { code: 6, codespace: "sdk", log });
      return this.sessions.get(name) ?? Session.create({});
    },
    computeUnitsPerRelayAt: async () => {
      this.#here();
      return UNITS;
    },
    sharedParamsAt: async () => {
      this.#here();
      return this.params;
    },
    difficultyAt: async () => {
      this.#here();
      return RelayMiningDifficulty.create({ targetHash: BASE_TARGET });
    },
    caches: {
      proof_params: {
        refresh: async () => {
          this.#here();
          return this.proofParams;
        },
      },
    } as unknown as ChainData["caches"],
  };

  /** Puts the claims of a transaction on chain, as its block would. */
  include({ claims }: Sent): void {
    for (const { supplierOperatorAddress, sessionHeader, rootHash } of claims)
      this.claims.set(
        sessionHeader?.sessionId ?? "",
        Claim.create({ supplierOperatorAddress, sessionHeader, rootHash }),
      );
  }
}

export const seedHash = (height: bigint): Uint8Array => new Uint8Array(32).fill(Number(height));

function decodeSent(bytes: Uint8Array): Sent {
  const { messages, unordered } = TxBody.decode(TxRaw.decode(bytes).bodyBytes);
  if (!unordered) throw new Error("a miner's transaction must be unordered");
  const of = <T>(codec: { typeName: string; decode(bytes: Uint8Array): T }): T[] =>
    messages
      .filter((message) => message.typeUrl === `/${codec.typeName}`)
      .map(({ value }) => codec.decode(value));
  return { claims: of(MsgCreateClaim), proofs: of(MsgSubmitProof), bytes };
}

/** The transaction's nonce: its timeout. */
export const timeoutOf = ({ bytes }: Sent): bigint => {
  const { timeoutTimestamp } = TxBody.decode(TxRaw.decode(bytes).bodyBytes);
  return (timeoutTimestamp?.seconds ?? 0n) * 1_000_000_000n + BigInt(timeoutTimestamp?.nanos ?? 0);
};

export const PROOF_URL = typeUrl(MsgSubmitProof);
