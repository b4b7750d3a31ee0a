import type { MsgCreateClaim, MsgSubmitProof } from "../../chain/proto/proof.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { claimProblem, proofProblem } from "../../chain/protocol/claim.ts";
import { headerText } from "./header-text.ts";

export type StatelessProblem = { readonly codespace: "proof"; readonly code: number; readonly text: string };

const INVALID_HEADER = 1115;

/** Why a claim or proof message is refused without a look at the state, as the chain says it (chain 4.1 step 3, 7.1, 7.2). */
export function messageProblem(message: MsgCreateClaim | MsgSubmitProof): StatelessProblem | undefined {
  const problem = "proof" in message ? proofProblem(message) : claimProblem(message);
  if (problem === undefined) return undefined;
  const text = problem.code === INVALID_HEADER ? invalidHeader(message.sessionHeader) : problem.text;
  return { codespace: "proof", code: problem.code, text };
}

function invalidHeader(header: SessionHeader | undefined): string {
  const text = header === undefined ? "session header is nil" : headerText(header);
  return `${text}: invalid session header`;
}
