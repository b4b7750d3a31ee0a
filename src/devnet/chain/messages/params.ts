import { MsgUpdateApplicationParams } from "../../../chain/proto/application.ts";
import { MsgUpdateGatewayParams } from "../../../chain/proto/gateway.ts";
import { MsgUpdateProofParams } from "../../../chain/proto/proof.ts";
import { MsgUpdateServiceParams } from "../../../chain/proto/service.ts";
import { MsgUpdateSessionParams } from "../../../chain/proto/session.ts";
import { MsgUpdateSharedParams } from "../../../chain/proto/shared.ts";
import { MsgUpdateSupplierParams } from "../../../chain/proto/supplier.ts";
import { MsgUpdateTokenomicsParams } from "../../../chain/proto/tokenomics.ts";
import type { Codec } from "../../../chain/proto/wire.ts";
import { type ChainState, type ModuleName, type ModuleParams, setLiveParams } from "../../state.ts";
import { AUTHORITY } from "../accounts.ts";
import { GAS } from "../gas.ts";
import { updateSessionParams, updateSharedParams } from "../params-update.ts";
import { insist } from "./checks.ts";
import { type MessageType, messageType } from "./message-type.ts";

/** The message that replaces all params of a module, by the name of the module (chain 10). */
export const PARAMS_MESSAGES = {
  shared: MsgUpdateSharedParams,
  session: MsgUpdateSessionParams,
  application: MsgUpdateApplicationParams,
  gateway: MsgUpdateGatewayParams,
  supplier: MsgUpdateSupplierParams,
  service: MsgUpdateServiceParams,
  proof: MsgUpdateProofParams,
  tokenomics: MsgUpdateTokenomicsParams,
} satisfies { [Name in ModuleName]: Codec<{ authority: string; params: ModuleParams[Name] }> };

function update<Params>(
  codec: Codec<{ readonly authority: string; readonly params: Params }>,
  apply: (state: ChainState, params: Params) => void,
): MessageType {
  return messageType(codec, {
    signer: ({ authority }) => authority,
    gas: () => GAS.paramsUpdate,
    handle: (state, { authority, params }) => {
      insist(
        authority === AUTHORITY,
        `invalid authority; expected ${AUTHORITY}, got ${authority}: the provided authority address does not match the onchain governance address`,
        "PermissionDenied",
      );
      apply(state, params);
    },
  });
}

const atOnce =
  <Name extends ModuleName>(name: Name) =>
  (state: ChainState, params: ModuleParams[Name]) =>
    setLiveParams(state, name, params);

export const paramsMessages: readonly MessageType[] = [
  update(PARAMS_MESSAGES.shared, updateSharedParams),
  update(PARAMS_MESSAGES.session, updateSessionParams),
  update(PARAMS_MESSAGES.application, atOnce("application")),
  update(PARAMS_MESSAGES.gateway, atOnce("gateway")),
  update(PARAMS_MESSAGES.supplier, atOnce("supplier")),
  update(PARAMS_MESSAGES.service, atOnce("service")),
  update(PARAMS_MESSAGES.proof, atOnce("proof")),
  update(PARAMS_MESSAGES.tokenomics, atOnce("tokenomics")),
];
