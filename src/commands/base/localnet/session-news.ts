import { sessionAt, type WindowParams } from "../../../chain/protocol/session-grid.ts";
import { type ChainFacts, type ClaimFacts, isProofRequired } from "./chain-facts.ts";
import { highest } from "./highest.ts";
import { counted, pokt } from "./report.ts";
import type { Tally } from "./tally.ts";

type Options = { readonly tally: Tally; readonly facts: ChainFacts; readonly params: WindowParams };

/** Tells once of each session that its claims are on chain, and once how it was settled. */
export class SessionNews {
  readonly #options: Options;
  readonly #told = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** What is new by the chain's events so far, a line each. */
  lines(): string[] {
    const { tally, facts, params } = this.#options;
    const counts = tally
      .counts()
      .filter(({ answered, sessionEnd }) => answered > 0 && facts.height > sessionEnd);
    const ends = new Set(counts.map(({ sessionEnd }) => sessionEnd));
    return [...ends].flatMap((end) => {
      const { number } = sessionAt(params, end);
      const claims = counts.filter(({ sessionEnd }) => sessionEnd === end).map((count) => facts.of(count));
      const lines = [
        this.#once(`claimed ${end}`, claimedLine(number, claims)),
        this.#once(`settled ${end}`, settledLine(number, claims)),
      ];
      return lines.filter((line) => line !== undefined);
    });
  }

  #once(key: string, line: string | undefined): string | undefined {
    if (line === undefined || this.#told.has(key)) return undefined;
    this.#told.add(key);
    return line;
  }
}

const sum = (claims: readonly ClaimFacts[], pick: (claim: ClaimFacts) => bigint): bigint =>
  claims.reduce((total, claim) => total + pick(claim), 0n);

function claimedLine(session: bigint, claims: readonly ClaimFacts[]): string | undefined {
  if (claims.some(({ claimedAt }) => claimedAt === undefined)) return undefined;
  const height = highest(claims.map(({ claimedAt = 0n }) => claimedAt));
  const relays = sum(claims, ({ claimedRelays }) => claimedRelays);
  const upokt = sum(claims, ({ claimedUpokt }) => claimedUpokt);
  return ` ✔ session ${session} claimed by block ${height}: ${counted(claims.length, "claim")}, ${counted(relays, "relay")}, ${pokt(upokt)}`;
}

function settledLine(session: bigint, claims: readonly ClaimFacts[]): string | undefined {
  if (claims.some(({ settled, unpaid }) => settled === undefined && unpaid === undefined)) return undefined;
  const settled = claims.flatMap((claim) => claim.settled ?? []);
  const required = claims.filter(isProofRequired);
  const verified = required.filter(({ proofVerified }) => proofVerified);
  const unpaid = claims.filter((claim) => claim.settled === undefined);
  const height = highest(settled.map((one) => one.height));
  const upokt = settled.reduce((total, one) => total + one.upokt, 0n);
  const proofs = `${counted(required.length, "proof")} required, ${verified.length} verified`;
  const why = unpaid.map((claim) => claim.unpaid ?? "").join("; ");
  return unpaid.length === 0
    ? ` ✔ session ${session} settled at block ${height}: ${proofs}, ${pokt(upokt)}`
    : ` ✖ session ${session}: ${unpaid.length} of ${claims.length} claims not paid (${why}), ${proofs}, ${pokt(upokt)}`;
}
