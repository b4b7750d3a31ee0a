import type { BlockContext, MoneyHooks } from "../context.ts";
import type { ChainState } from "../state.ts";
import { createClaim } from "./create-claim.ts";
import { updateDifficulties } from "./difficulty-update.ts";
import { settleRipeClaims } from "./settlement.ts";
import { messageProblem } from "./stateless.ts";
import { submitProof } from "./submit-proof.ts";
import { verifyProofs } from "./verify-proofs.ts";

/** What the chain does with claims, proofs and money: the whole of this folder as the chain calls it. */

/** Before any state is looked at; undefined for a message that may run (chain 4.1 step 3). */
export const statelessProblem = messageProblem;

/** Throws HandlerError; the caller drops the state then. */
export const handleCreateClaim: MoneyHooks["handleCreateClaim"] = createClaim;

/** Throws HandlerError; the caller drops the state then. */
export const handleSubmitProof: MoneyHooks["handleSubmitProof"] = submitProof;

/** After the block's transactions and before `endBlockTokenomics` (chain 5). */
export const endBlockProofs: MoneyHooks["endBlockProofs"] = verifyProofs;

/** Settlement of ripe claims, then the difficulty of the services they were for (chain 8, 9). Throws what fails the block. */
export function endBlockTokenomics(state: ChainState, ctx: BlockContext): void {
  updateDifficulties(state, ctx, settleRipeClaims(state, ctx));
}
