import { type Any, MsgExec, MsgExecResponse } from "../../../chain/proto/cosmos.ts";
import type { MoneyHooks } from "../../context.ts";
import { TxError } from "../tx-error.ts";
import {
  delegateToGateway,
  stakeApplication,
  undelegateFromGateway,
  unstakeApplication,
} from "./application.ts";
import { bankSend } from "./bank.ts";
import { stakeGateway, unstakeGateway } from "./gateway.ts";
import { type DecodedMessage, type MessageType, messageType } from "./message-type.ts";
import { paramsMessages } from "./params.ts";
import { proofMessages } from "./proof.ts";
import { stakeSupplier, unstakeSupplier } from "./supplier.ts";

/** Decodes a message of a transaction. Throws TxError 2 for an unknown type or broken bytes. */
export type MessageRegistry = { decode(message: Any): DecodedMessage };

/** Every message this chain knows. */
export function messageRegistry(hooks: MoneyHooks): MessageRegistry {
  const types = new Map<string, MessageType>();
  const registry: MessageRegistry = { decode: (message) => decodeBy(types, message) };
  const all = [
    ...proofMessages(hooks),
    ...paramsMessages,
    stakeSupplier,
    unstakeSupplier,
    stakeApplication,
    unstakeApplication,
    delegateToGateway,
    undelegateFromGateway,
    stakeGateway,
    unstakeGateway,
    bankSend,
    execMessages(registry),
  ];
  for (const type of all) types.set(type.typeUrl, type);
  return registry;
}

function decodeBy(types: ReadonlyMap<string, MessageType>, { typeUrl, value }: Any): DecodedMessage {
  const type = types.get(typeUrl);
  if (type === undefined)
    throw new TxError(2, "sdk", `unable to resolve type URL ${typeUrl}: tx parse error`);
  try {
    return type.decode(value);
  } catch (thrown) {
    throw new TxError(
      2,
      "sdk",
      `${thrown instanceof Error ? thrown.message : "broken message"}: tx parse error`,
    );
  }
}

/** Messages that another account allowed the sender to run: parameter changes on real networks come this way (chain 10). */
const execMessages = (registry: MessageRegistry): MessageType =>
  messageType(MsgExec, {
    signer: ({ grantee }) => grantee,
    gas: ({ msgs }) => msgs.reduce((sum, inner) => sum + registry.decode(inner).gas, 0),
    handle: (state, { grantee, msgs }, ctx) => {
      const results = msgs.map((inner) => {
        const message = registry.decode(inner);
        const problem = message.stateless();
        if (problem !== undefined) throw problem;
        if (message.signer !== grantee && state.grants.get(`${grantee}/${message.signer}`) === undefined)
          throw new TxError(2, "authz", "failed to get grant: authorization not found");
        return message.run(state, ctx);
      });
      return MsgExecResponse.encode({ results });
    },
  });
