import { MsgCreateClaim, MsgSubmitProof } from "../../../chain/proto/proof.ts";
import type { MoneyHooks } from "../../context.ts";
import { GAS } from "../gas.ts";
import { TxError } from "../tx-error.ts";
import { type MessageType, messageType } from "./message-type.ts";

/** Claims and proofs; what a valid one does is behind the hooks. */
export function proofMessages(hooks: MoneyHooks): readonly MessageType[] {
  const stateless = (message: MsgCreateClaim | MsgSubmitProof) => {
    const problem = hooks.statelessProblem(message);
    return problem && new TxError(problem.code, problem.codespace, problem.text);
  };
  return [
    messageType<MsgCreateClaim>(MsgCreateClaim, {
      signer: ({ supplierOperatorAddress }) => supplierOperatorAddress,
      gas: () => GAS.claim,
      stateless,
      handle: (state, message, ctx) => {
        hooks.handleCreateClaim(state, message, ctx);
      },
    }),
    messageType<MsgSubmitProof>(MsgSubmitProof, {
      signer: ({ supplierOperatorAddress }) => supplierOperatorAddress,
      gas: ({ proof }) => GAS.proof.base + GAS.proof.perByte * proof.length,
      stateless,
      handle: (state, message, ctx) => {
        hooks.handleSubmitProof(state, message, ctx);
      },
    }),
  ];
}
