import { type Gateway, MsgStakeGateway, MsgUnstakeGateway } from "../../../chain/proto/gateway.ts";
import { moduleAddress } from "../../../chain/protocol/address.ts";
import { typedEvent } from "../../context.ts";
import { liveParams } from "../../state.ts";
import { currentSession } from "../at-height.ts";
import { send } from "../bank.ts";
import { amountOf, upokt } from "../coins.ts";
import { gatewayJson } from "../entity-json.ts";
import { GAS } from "../gas.ts";
import { insist, requireAddress, requireStake } from "./checks.ts";
import { messageType } from "./message-type.ts";

const POOL = moduleAddress("gateway");
const INVALID_STAKE = "invalid gateway stake";

export const stakeGateway = messageType(MsgStakeGateway, {
  signer: ({ address }) => address,
  gas: () => GAS.application,
  handle: (state, message, ctx) => {
    const { address } = message;
    requireAddress(address, "gateway");
    const stake = requireStake(message.stake, INVALID_STAKE);
    const least = amountOf(liveParams(state, "gateway").minStake);
    insist(stake >= least, `gateway "${address}" must stake at least ${least}upokt: ${INVALID_STAKE}`);
    const known = state.gateways.get(address);
    const before = amountOf(known?.stake);
    insist(
      known === undefined || stake > before,
      `stake amount ${stake}upokt must be higher than previous stake amount ${before}upokt: ${INVALID_STAKE}`,
    );
    send(state, ctx.emit, address, POOL, stake - before);
    const gateway: Gateway = {
      address,
      stake: upokt(stake),
      unstakeSessionEndHeight: 0n,
      metadata: known?.metadata,
    };
    state.gateways.set(address, gateway);
    const told = { gateway: gatewayJson(gateway), session_end_height: currentSession(state).end };
    if (known !== undefined && known.unstakeSessionEndHeight !== 0n)
      ctx.emit(typedEvent("pocket.gateway.EventGatewayUnbondingCanceled", told));
    ctx.emit(typedEvent("pocket.gateway.EventGatewayStaked", told));
  },
});

export const unstakeGateway = messageType(MsgUnstakeGateway, {
  signer: ({ address }) => address,
  gas: () => GAS.application,
  handle: (state, { address }, ctx) => {
    const gateway = state.gateways.get(address);
    insist(gateway !== undefined, `gateway with address "${address}": gateway not found`, "NotFound");
    insist(
      gateway.unstakeSessionEndHeight === 0n,
      `gateway with address "${address}": gateway is in unbonding period`,
      "FailedPrecondition",
    );
    const { end } = currentSession(state);
    const leaving: Gateway = { ...gateway, unstakeSessionEndHeight: end };
    state.gateways.set(address, leaving);
    const { gatewayUnbondingPeriodSessions, numBlocksPerSession } = liveParams(state, "shared");
    ctx.emit(
      typedEvent("pocket.gateway.EventGatewayUnbondingBegin", {
        gateway: gatewayJson(leaving),
        session_end_height: end,
        unbonding_end_height: end + gatewayUnbondingPeriodSessions * numBlocksPerSession,
      }),
    );
  },
});
