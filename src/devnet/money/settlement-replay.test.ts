import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  addApplication,
  addService,
  addSupplier,
  MODULE_PARAMS,
  recorder,
  SHARED_PARAMS,
  stateAt,
  upokt,
} from "../../../test/kit/money-state.ts";
import { OWN_RECORDINGS_DIR } from "../../../test/kit/vectors.ts";
import { bigToBytes, concatBytes, fromHex } from "../../base/bytes.ts";
import { Claim } from "../../chain/proto/proof.ts";
import type { SharedParams } from "../../chain/proto/shared.ts";
import { moduleAddress } from "../../chain/protocol/address.ts";
import { BASE_TARGET } from "../../chain/protocol/difficulty.ts";
import { proofSeedHeight, sessionAt } from "../../chain/protocol/session-grid.ts";
import type { ChainEvent } from "../context.ts";
import { atHeightKey, storeClaim } from "../keys.ts";
import { type ForkedState, type ModuleParams, StateStore } from "../state.ts";
import { sortable } from "../table.ts";
import { endBlockTokenomics } from "./main.ts";

// Blocks that a real chain settled, made again from the claims, stakes and params that it had (chain 8.5).

type Fields = Readonly<Record<string, string>>;
type Recorded = { readonly event: ChainEvent; readonly fields: Fields };

const GATEWAY = "pokt15vzxjqklzjtlz7lahe8z2dfe9nm5vxwwmscne4";
const SHARING_SUPPLIER = "pokt19a3t4yunp0dlpfjrp7qwnzwlrzd5fzs2gjaaaj";

/** What a recorded block settled in EndBlock: events in order, without the mode. */
function recordedEvents(name: string): Recorded[] {
  const file = `${OWN_RECORDINGS_DIR}/cometbft/block_results_${name}.json`;
  const { response } = JSON.parse(readFileSync(file, "utf8")) as {
    response: {
      body: {
        result: {
          finalize_block_events: { type: string; attributes: { key: string; value: string }[] }[];
        };
      };
    };
  };
  return response.body.result.finalize_block_events
    .filter(({ attributes }) => attributes.some(({ value }) => value === "EndBlock"))
    .map(({ type, attributes }) => ({
      event: {
        type,
        attributes: attributes.filter(({ key }) => key !== "mode").map(({ key, value }) => ({ key, value })),
      },
      fields: Object.fromEntries(attributes.map(({ key, value }) => [key, value])),
    }));
}

const text = (fields: Fields, name: string): string => JSON.parse(fields[name] ?? '""') as string;

type Scene = {
  readonly height: bigint;
  /** All claims of a recorded block are of one session, which not every event names. */
  readonly sessionId: string;
  readonly params?: Partial<ModuleParams>;
  readonly stake0: bigint;
  readonly delegatees?: readonly string[];
  readonly shared: SharedParams;
  readonly sharesWithGateway: boolean;
  /** For claims that the recording gives no numbers of. */
  readonly unknownRelays?: bigint;
  readonly arrange?: (state: ForkedState) => void;
};

function replay(
  name: string,
  scene: Scene,
): { recorded: ChainEvent[]; made: ChainEvent[]; state: ForkedState } {
  const recorded = recordedEvents(name);
  const state = stateAt(new StateStore("pocket"), scene.height, scene.params);
  scene.arrange?.(state);
  const slashed = new Map(
    recorded
      .filter(({ event }) => event.type === "pocket.tokenomics.EventSupplierSlashed")
      .map(({ fields }) => {
        const amounts = [text(fields, "supplier_stake_after_slash"), text(fields, "proof_missing_penalty")];
        const stake = amounts.reduce((sum, amount) => sum + BigInt(amount.replace("upokt", "")), 0n);
        return [text(fields, "supplier_operator_address"), stake];
      }),
  );
  for (const { event, fields } of recorded)
    if (/EventClaim(Settled|Expired|Discarded)$/.test(event.type)) addClaim(state, scene, fields, slashed);
  state.validators.set("v", {
    operatorAddress: "poktvaloper18kk3aqe2pjz7x7993qp2pjt95ghurra9c5ef0t",
    accountAddress: "pokt18kk3aqe2pjz7x7993qp2pjt95ghurra9682tyn",
    commissionRate: "0.1",
    delegations: [{ address: "pokt18kk3aqe2pjz7x7993qp2pjt95ghurra9682tyn", tokens: 900_000_000n }],
  });
  state.balances.set(moduleAddress("application"), scene.stake0);
  state.balances.set(moduleAddress("supplier"), 100_000_000n);
  const { ctx, events } = recorder(state);
  endBlockTokenomics(state, ctx);
  return { recorded: recorded.map(({ event }) => event), made: events, state };
}

function addClaim(
  state: ForkedState,
  scene: Scene,
  fields: Fields,
  stakes: ReadonlyMap<string, bigint>,
): void {
  const serviceId = text(fields, "service_id");
  const application = text(fields, "application_address");
  const supplier = text(fields, "supplier_operator_address");
  const end = BigInt(text(fields, "session_end_block_height"));
  const relays = BigInt(text(fields, "num_relays") || (scene.unknownRelays ?? 0n));
  const computeUnits = BigInt(text(fields, "num_claimed_compute_units") || relays * 1000n);
  addService(state, serviceId);
  addApplication(state, application, {
    serviceId,
    stake: scene.stake0,
    delegateeGatewayAddresses: scene.delegatees ?? [GATEWAY],
  });
  const own = { address: supplier, revSharePercentage: 80n };
  const shares = [own, { address: GATEWAY, revSharePercentage: 20n }];
  const shared = scene.sharesWithGateway && supplier === SHARING_SUPPLIER;
  addSupplier(state, serviceId, supplier, {
    stake: stakes.get(supplier) ?? 3_000_000n,
    ...(shared ? { revShare: shares } : {}),
  });
  state.blockHashes.set(sortable(proofSeedHeight(scene.shared, end)), new Uint8Array(32));
  storeClaim(
    state,
    Claim.create({
      supplierOperatorAddress: supplier,
      sessionHeader: {
        applicationAddress: application,
        serviceId,
        sessionId: scene.sessionId,
        sessionStartBlockHeight: sessionAt(scene.shared, end).start,
        sessionEndBlockHeight: end,
      },
      rootHash: concatBytes(new Uint8Array(32), bigToBytes(computeUnits, 8), bigToBytes(relays, 8)),
      proofValidationStatus: Number(fields["claim_proof_status_int"]),
    }),
  );
}

const TARGET_70 = fromHex("4924924924924924924924924924924924924924924924924924924924924924");

function putDifficulty(
  state: ForkedState,
  serviceId: string,
  numRelaysEma: bigint,
  targetHash: Uint8Array,
  heights: readonly bigint[],
): void {
  for (const effectiveHeight of heights) {
    const difficulty = { serviceId, blockHeight: effectiveHeight, numRelaysEma, targetHash };
    state.difficultyHistory.set(atHeightKey(serviceId, effectiveHeight), { effectiveHeight, difficulty });
    state.difficulties.set(serviceId, difficulty);
  }
}

/** The second chain's grid from block 761 on. */
const LONGER: SharedParams = {
  ...SHARED_PARAMS,
  numBlocksPerSession: 12n,
  claimWindowOpenOffsetBlocks: 2n,
  computeUnitsToTokensMultiplier: 200n,
  sessionGridAnchorHeight: 761n,
  sessionNumberAtAnchor: 77n,
};

const NO_PROOFS: ModuleParams["proof"] = {
  ...MODULE_PARAMS.proof,
  proofRequestProbability: 0,
  proofRequirementThreshold: upokt(10_000_000_000_000),
};

test("a block of fifteen proven claims without inflation", () => {
  const shared: SharedParams = {
    ...SHARED_PARAMS,
    claimWindowCloseOffsetBlocks: 8n,
    proofWindowCloseOffsetBlocks: 8n,
  };
  const { recorded, made } = replay("claims_settled", {
    height: 98n,
    sessionId: "80b70af2f8b2b60b77273592a8d1d4dccdd41182296a2227dda8c2dc88df383e",
    stake0: 10_000_000_000n,
    sharesWithGateway: false,
    shared,
    params: {
      shared,
      service: { ...MODULE_PARAMS.service, targetNumRelays: 100_000n },
      tokenomics: { ...MODULE_PARAMS.tokenomics, globalInflationPerClaim: 0, mintRatio: 1 },
    },
    arrange: (state) => putDifficulty(state, "develop-http", 1n, BASE_TARGET, [88n, 91n]),
  });
  expect(made).toEqual(recorded);
});

test("claims that expire slash their suppliers, and below the minimum mark them", () => {
  const { recorded, made, state } = replay("claims_expired_slashed", {
    height: 430n,
    sessionId: "5f915117434d25322367b9fbafb9fdd4de3e3a23a66fdce6d40139e9ec759c80",
    stake0: 200_000_000n,
    sharesWithGateway: true,
    shared: SHARED_PARAMS,
  });
  expect(made).toEqual(recorded);
  expect(state.claims.keys()).toEqual([]);
  expect(state.claimEnds.keys()).toEqual([]);
  const history = state.difficultyHistory.values("develop-http/");
  expect(history).toEqual(
    [430n, 431n].map((height) => ({
      effectiveHeight: height,
      difficulty: {
        serviceId: "develop-http",
        blockHeight: height,
        numRelaysEma: 70n,
        targetHash: TARGET_70,
      },
    })),
  );
});

test("an application that cannot pay all: caps with bonus, and it falls below its minimum", () => {
  const { recorded, made } = replay("claims_settled_overserviced", {
    height: 770n,
    sessionId: "301750bee2911764e7ec74c9d5cee61cbde7fa893dd6e7548f26d812537fb11d",
    stake0: 192_300_000n,
    sharesWithGateway: true,
    shared: SHARED_PARAMS,
    params: {
      shared: LONGER,
      proof: NO_PROOFS,
      tokenomics: { ...MODULE_PARAMS.tokenomics, overservicingBonusMultiplier: 3n },
    },
    arrange: (state) => {
      state.sharedHistory.set(sortable(1n), { effectiveHeight: 1n, params: SHARED_PARAMS });
      state.sharedHistory.set(sortable(761n), { effectiveHeight: 761n, params: LONGER });
      putDifficulty(state, "develop-http", 70n, TARGET_70, [430n, 431n]);
    },
  });
  expect(made).toEqual(recorded);
});

test("claims worth 0 settle, those whose mint is 0 are discarded", () => {
  const cheap = {
    ...LONGER,
    computeUnitsToTokensMultiplier: 1n,
    computeUnitCostGranularity: 1_000_000n,
  };
  const { recorded, made, state } = replay("claims_discarded_and_zero", {
    height: 1035n,
    sessionId: "63cd5713297b98971a918249ac50c9bae0e8489090097952c352cb23d1a56a2f",
    stake0: 10_000_000_000n,
    sharesWithGateway: true,
    shared: cheap,
    unknownRelays: 1000n,
    params: {
      shared: cheap,
      proof: NO_PROOFS,
      tokenomics: { ...MODULE_PARAMS.tokenomics, overservicingBonusMultiplier: 3n },
    },
  });
  expect(made).toEqual(recorded);
  const application = state.applications.get("pokt1lqyu4v88vp8tzc86eaqr4lq8rwhssyn6rfwzex");
  // 2 burned, 1 paid back for inflation, and 1 each by the two discarded claims, which nothing burns
  expect(application?.stake).toEqual(upokt(10_000_000_000n - 5n));
});
