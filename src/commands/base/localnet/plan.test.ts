import { expect, test } from "vitest";
import { sessionWindows } from "../../../chain/protocol/session-grid.ts";
import { parseGenesis } from "../../../devnet/genesis.ts";
import { genesisYaml } from "./genesis-file.ts";
import { planLocalnet, UPOKT_PER_COMPUTE_UNIT } from "./plan.ts";
import type { LocalnetSettings } from "./settings.ts";

const settings: LocalnetSettings = {
  sessions: 2,
  relays: 1_000,
  blockTimeMs: 400,
  suppliers: 3,
  directory: "/tmp/net",
  keep: false,
  rps: 0,
  restart: false,
  seed: 42,
  port: undefined,
  redisServer: undefined,
  version: "0.0.0",
};
const ports = { relay: 1, relayerHealth: 2, relayerMetrics: 3, minerMetrics: 4, chainRpc: 5 };
const genesisOf = (changed: Partial<LocalnetSettings> = {}) => {
  const plan = planLocalnet({ ...settings, ...changed });
  return { plan, genesis: parseGenesis(genesisYaml(plan, ports)) };
};

test("a seed gives the same network again, another seed other keys", () => {
  expect(planLocalnet(settings)).toEqual(planLocalnet(settings));
  const keys = (seed: number) => planLocalnet({ ...settings, seed }).suppliers.map(({ address }) => address);
  expect(new Set([...keys(42), ...keys(43)]).size).toBe(6);
});

test("the genesis has the plan's people, prices and delegations", () => {
  const { plan, genesis } = genesisOf();
  expect(genesis.suppliers.map(({ operatorAddress }) => operatorAddress)).toEqual(
    plan.suppliers.map(({ address }) => address),
  );
  expect(genesis.services.map(({ id, computeUnitsPerRelay }) => [id, computeUnitsPerRelay])).toEqual([
    ["eth", 100n],
    ["cosmos", 35n],
    ["weather", 1n],
    ["heads", 12n],
    ["oracle", 40n],
    ["ticks", 20n],
  ]);
  expect(
    genesis.applications.map(({ delegateeGatewayAddresses }) => delegateeGatewayAddresses.length),
  ).toEqual([2, 1, 0, 1, 1, 2]);
  const { computeUnitsToTokensMultiplier, computeUnitCostGranularity } = genesis.params.shared;
  expect(computeUnitsToTokensMultiplier / computeUnitCostGranularity).toBe(UPOKT_PER_COMPUTE_UNIT);
  // Members of a ring and the suppliers need a key on chain.
  for (const { publicKey } of genesis.accounts) expect(publicKey).toHaveLength(33);
});

test.each([200, 400, 1_000, 5_000])(
  "blocks of %i ms: windows are long enough in time and the chain takes the params",
  (blockTimeMs) => {
    const { genesis, plan } = genesisOf({ blockTimeMs });
    const { shared } = genesis.params;
    const windows = sessionWindows(shared, shared.numBlocksPerSession);
    expect(Number(windows.claimClose - windows.claimOpen) * blockTimeMs).toBeGreaterThanOrEqual(3_000);
    expect(Number(windows.proofClose - windows.proofOpen) * blockTimeMs).toBeGreaterThanOrEqual(3_000);
    expect(Number(plan.grid.sessionBlocks) * blockTimeMs).toBeGreaterThanOrEqual(4_000);
  },
);

test("more relays get longer sessions, not a faster load", () => {
  const rate = (relays: number) => {
    const { grid } = planLocalnet({ ...settings, relays });
    return relays / 2 / (Number(grid.sessionBlocks) * 0.4 * 0.7);
  };
  for (const relays of [1_000, 10_000, 200_000]) expect(rate(relays)).toBeLessThanOrEqual(200);
});

test("the dearest service always needs a proof, the others only by the draw", () => {
  const { proofThreshold } = planLocalnet(settings);
  const share = 1_000n / 2n / 18n;
  expect(share * 100n * UPOKT_PER_COMPUTE_UNIT).toBeGreaterThan(proofThreshold);
  expect((share + 1n) * 40n * UPOKT_PER_COMPUTE_UNIT).toBeLessThan(proofThreshold);
});
