import { fromHex, toHex } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { type Any, MsgExec } from "../../chain/proto/cosmos.ts";
import type { Codec } from "../../chain/proto/wire.ts";
import { addressOf as addressOfKey, isAddress } from "../../chain/protocol/address.ts";
import { toAny } from "../../chain/protocol/tx/message.ts";
import { AUTHORITY, ensureAccount } from "../chain/accounts.ts";
import { balanceOf } from "../chain/bank.ts";
import type { DevnetChain, Intervention } from "../chain/devnet-chain.ts";
import { PARAMS_MESSAGES } from "../chain/messages/params.ts";
import { changeComputeUnits } from "../chain/params-update.ts";
import type { GenesisAccount } from "../genesis.ts";
import { liveParams, type ModuleName } from "../state.ts";
import { type Args, count, object, text, whole } from "./args.ts";
import { patched } from "./params-patch.ts";
import { TxSender } from "./sender.ts";
import { delegateMessage, sendMessage, stakeMessage, undelegateMessage, unstakeMessage } from "./stakes.ts";

export type Control = (name: string, args: Args) => Promise<unknown>;
type Command = (args: Args) => unknown;

/** What the network side of a devnet lets the control API change. */
export type NetworkSettings = { delayMs: number };

const MAX_MS = 3_600_000;
const MAX_BLOCKS = 100_000;

/** The control API over a chain. Throws AppError USAGE for an unknown command or bad arguments, DEVNET_REFUSED if the chain refuses. */
export function controlOf(chain: DevnetChain, network: NetworkSettings): Control {
  const commands: Readonly<Record<string, Command>> = {
    ...runCommands(chain, network),
    ...txCommands(chain),
    ...stateCommands(chain),
  };
  return async (name, args) => {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined)
      throw new AppError("USAGE", `there is no command "${name}"`, { commands: Object.keys(commands) });
    return command(args);
  };
}

/** How the chain runs: time, faults, what is told. */
function runCommands(chain: DevnetChain, network: NetworkSettings): Readonly<Record<string, Command>> {
  return {
    status: () => describe(chain),
    halt: () => {
      chain.halt();
      return describe(chain);
    },
    resume: () => {
      chain.resume();
      return describe(chain);
    },
    jump: async (args) => {
      for (let left = count(args, "blocks", MAX_BLOCKS, 1); left > 0; left--) await chain.step(true);
      return describe(chain);
    },
    "drop-txs": (args) => {
      chain.mempool.dropNext = count(args, "count", MAX_BLOCKS, 1);
      return { drops: chain.mempool.dropNext };
    },
    "lie-hash": (args) => {
      const height = whole(args, "height");
      return { height, hash: toHex(chain.ledger.lieAbout(height)).toUpperCase() };
    },
    lag: (args) => {
      network.delayMs = count(args, "ms", MAX_MS);
      return { lagMs: network.delayMs };
    },
    "clock-lag": (args) => {
      chain.time.lagMs = count(args, "ms", MAX_MS);
      return { clockLagMs: chain.time.lagMs };
    },
    "commit-race": (args) => {
      chain.settings.commitRaceMs = count(args, "ms", MAX_MS);
      return { ...chain.settings };
    },
    "indexer-delay": (args) => {
      chain.settings.indexerDelayMs = count(args, "ms", MAX_MS);
      return { ...chain.settings };
    },
  };
}

function describe(chain: DevnetChain) {
  const { chainId, stored, executed } = chain.status();
  const timeMs = Number(chain.latest.timeNs / 1_000_000n);
  return { chainId, stored, executed, timeMs, halted: chain.halted, blockTimeMs: chain.blockTimeMs };
}

/** What goes the way of every transaction: into the mempool, signed by a key of the genesis. */
function txCommands(chain: DevnetChain): Readonly<Record<string, Command>> {
  const sender = new TxSender(chain);
  const addresses = addressOrName(chain);
  const own = (build: (args: Args, addresses: (nameOrAddress: string) => string) => Any) => (args: Args) => {
    const signer = person(chain, text(args, "name"));
    return sender.send(signer, [build(args, addresses)]);
  };
  return {
    stake: own(stakeMessage),
    unstake: own(unstakeMessage),
    delegate: own(delegateMessage),
    undelegate: own(undelegateMessage),
    send: own(sendMessage),
    "set-params": (args) => {
      const { governor } = chain.genesis;
      const inner = paramsMessage(chain, moduleOf(args), object(args, "params"));
      return sender.send(governor, [toAny(MsgExec, { grantee: governor.address, msgs: [inner] })]);
    },
  };
}

function moduleOf(args: Args): ModuleName {
  const name = text(args, "module");
  if (Object.hasOwn(PARAMS_MESSAGES, name)) return name as ModuleName;
  throw new AppError("USAGE", `there is no module "${name}" with params`, {
    modules: Object.keys(PARAMS_MESSAGES),
  });
}

/** Changes are made on top of what is scheduled already, not of the live set, so that none gets lost (chain 10). */
function paramsMessage(chain: DevnetChain, name: ModuleName, changes: Args): Any {
  const state = chain.latest;
  const scheduled = { shared: state.sharedHistory, session: state.sessionHistory };
  const pending =
    name === "shared" || name === "session" ? scheduled[name].values().at(-1)?.params : undefined;
  const codec = PARAMS_MESSAGES[name] as unknown as Codec<{ authority: string; params: object }>;
  return toAny(codec, {
    authority: AUTHORITY,
    params: patched<object>(pending ?? liveParams(state, name), changes),
  });
}

/** Changes without a transaction, made at the start of the next block. */
function stateCommands(chain: DevnetChain): Readonly<Record<string, Command>> {
  const change = async (intervention: Intervention) => {
    const done = chain.intervene(intervention);
    if (chain.manual) await chain.step();
    else if (chain.halted) return { waits: "the chain is halted" };
    return { height: await done };
  };
  return {
    "set-cupr": (args) => {
      const service = text(args, "service");
      const units = whole(args, "compute_units_per_relay");
      return change((state) => {
        if (!changeComputeUnits(state, service, units))
          throw new AppError("USAGE", `there is no service "${service}"`);
      });
    },
    "set-account": (args) => {
      const publicKey = args["public_key"] === undefined ? undefined : fromHex(text(args, "public_key"));
      const address =
        publicKey === undefined ? addressOrName(chain)(text(args, "name")) : addressOfKey(publicKey);
      const balance = args["balance"] === undefined ? undefined : whole(args, "balance");
      return change((state) => {
        const account = ensureAccount(state, address);
        if (publicKey !== undefined) state.accounts.set(address, { ...account, publicKey });
        if (balance !== undefined) state.balances.set(address, balance);
      });
    },
    accounts: () =>
      chain.genesis.accounts.map(({ name, address, publicKey }) => ({
        name,
        address,
        publicKey: publicKey === undefined ? null : toHex(publicKey),
        balance: balanceOf(chain.latest, address),
      })),
  };
}

const find = (chain: DevnetChain, nameOrAddress: string): GenesisAccount | undefined =>
  chain.genesis.accounts.find(({ name, address }) => name === nameOrAddress || address === nameOrAddress);

function person(chain: DevnetChain, nameOrAddress: string): GenesisAccount {
  const found = find(chain, nameOrAddress);
  if (found === undefined) throw new AppError("USAGE", `the genesis has nobody named "${nameOrAddress}"`);
  return found;
}

const addressOrName = (chain: DevnetChain) => (nameOrAddress: string) => {
  const known = find(chain, nameOrAddress)?.address;
  if (known !== undefined) return known;
  if (isAddress(nameOrAddress)) return nameOrAddress;
  throw new AppError("USAGE", `"${nameOrAddress}" is neither a name in the genesis nor an address`);
};
