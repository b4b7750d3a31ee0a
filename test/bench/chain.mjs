/** The chain of the bench: the devnet with as many applications, gateways and suppliers as asked for, in one session that does not end. */

import { toHex } from "../../dist/base/bytes.js";
import { systemClock } from "../../dist/base/clock.js";
import { openChainClient } from "../../dist/chain/node/client.js";
import { session } from "../../dist/chain/node/queries.js";
import { actors } from "../../dist/commands/base/localnet/actors.js";
import { startDevnet } from "../../dist/devnet/main.js";

export const CHAIN_ID = "bench";
const SEED = 1;
const BLOCK_MS = 2_000;
/** Half of what a relayer takes for plausible: five thousand blocks are close to three hours. */
const SESSION_BLOCKS = 5_000;
/** In upokt; pays for more relays than any run sends. */
const APPLICATION_STAKE = 1_000_000_000_000_000;
/** Difficulty stays at its base: every relay is stored, so that answered = stored can be checked. */
const TARGET_RELAYS = 1_000_000_000;

export const serviceOf = (mode) => `bench-${mode}`;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const named = ({ name, privateKey }) => ({ name, key: `0x${toHex(privateKey)}` });

/**
 * One service for each mode, each with `applications` of its own, and `strangers` more that send no good traffic; all share `ring - 1` gateways and all suppliers. Owned: the devnet.
 */
export async function openChain({ modes, applications, strangers = 0, ring, suppliers, owned }) {
  const gateways = actors(SEED, "gateway", ring - 1);
  const everybody = {
    gateways,
    suppliers: actors(SEED, "supplier", suppliers),
    applications: Object.fromEntries(
      modes.map((mode) => [mode, actors(SEED, `${mode}-app`, applications + strangers)]),
    ),
  };
  const genesis = JSON.stringify(genesisOf(modes, everybody));
  const devnet = owned.own(await startDevnet({ genesis, log: quiet }));
  return { ...everybody, rpcUrl: devnet.rpcUrl, sessions: await sessionsOf(devnet.rpcUrl, modes, everybody) };
}

function genesisOf(modes, { gateways, suppliers, applications }) {
  const endpoints = [{ url: "http://127.0.0.1:1", rpc_type: "JSON_RPC" }];
  return {
    chain_id: CHAIN_ID,
    block_time_ms: BLOCK_MS,
    params: {
      shared: { num_blocks_per_session: SESSION_BLOCKS },
      application: { min_stake: 1, max_delegated_gateways: 50 },
      service: { target_num_relays: TARGET_RELAYS },
    },
    services: modes.map((mode) => ({ id: serviceOf(mode), compute_units_per_relay: 1 })),
    gateways: gateways.map(named),
    applications: modes.flatMap((mode) =>
      applications[mode].map((application) => ({
        ...named(application),
        stake: APPLICATION_STAKE,
        services: [serviceOf(mode)],
        gateways: gateways.map(({ name }) => name),
      })),
    ),
    suppliers: suppliers.map((supplier) => ({
      ...named(supplier),
      services: modes.map((mode) => ({ id: serviceOf(mode), endpoints })),
    })),
  };
}

/** For each mode, each application's session: its header, and those of the session's suppliers that are ours, which are all. */
async function sessionsOf(rpcUrl, modes, { applications, suppliers }) {
  const client = openChainClient({ urls: [rpcUrl], timeoutMs: 60_000, logger: quiet, clock: systemClock });
  const { latestHeight } = await client.status();
  const byAddress = new Map(suppliers.map((supplier) => [supplier.address, supplier]));
  const one = async (application, mode) => {
    const of = {
      applicationAddress: application.address,
      serviceId: serviceOf(mode),
      blockHeight: latestHeight,
    };
    const found = await session(client, of);
    return {
      header: found.header,
      secret: application.privateKey,
      suppliers: found.suppliers.map(({ operatorAddress }) => byAddress.get(operatorAddress)),
    };
  };
  const sessions = {};
  for (const mode of modes) {
    sessions[mode] = [];
    for (const application of applications[mode]) sessions[mode].push(await one(application, mode));
  }
  await client.close();
  return sessions;
}
