import type { Clock } from "../../base/clock.ts";
import { repeat } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { ChainClient } from "../../chain/node/types.ts";
import type { BackendKind } from "../config/backends.ts";
import { RPC_TYPES } from "./kinds.ts";
import { type SessionPrice, sessionPrice } from "./price.ts";
import {
  type OpenSession,
  openSession,
  PublicKeys,
  type SessionSupplier,
  type SessionWish,
} from "./session.ts";
import { type AnsweringSupplier, type SignedRelay, type Signers, signRelay } from "./sign.ts";
import { type SimulatedIdentity, simulatedSigners } from "./simulated.ts";

/** A signed relay, where it goes and what it is worth. */
export type SourcedRelay = SignedRelay & {
  readonly url: string;
  readonly signers: Signers;
  /** Undefined for simulated relays, which nobody pays. */
  readonly price: SessionPrice | undefined;
};

/** Makes relays, each one distinct. */
export type RelaySource = Closable & {
  /** Suppliers that are asked in turn. */
  targets(): readonly Target[];
  /** Throws when a session that has begun since cannot be used. */
  relay(number: number): SourcedRelay;
  /** Whether a relay is still of the session in which the next one would be. */
  isCurrent(relay: SourcedRelay): boolean;
};

export type Target = { readonly supplier: AnsweringSupplier; readonly url: string };

type Common = {
  readonly kind: BackendKind;
  /** The payload of the n-th relay to a relayer at that URL. */
  readonly payload: (url: string, number: number) => Uint8Array;
};

export type ChainSourceOptions = Common & {
  readonly chain: ChainClient;
  readonly clock: Clock;
  readonly wish: Omit<SessionWish, "height">;
  /** A session that is over, or the one of that block; undefined: the current one, and the next one when it ends. */
  readonly height: bigint | undefined;
  readonly choice: SupplierChoice;
  /** How often the chain is asked whether the session is over. */
  readonly lookEveryMs: number;
};

export type SupplierChoice = {
  /** Undefined: each supplier's staked endpoint. */
  readonly relayerUrl: string | undefined;
  readonly supplier: string | undefined;
  /** All of the session in turn, or the first one. */
  readonly all: boolean;
};

type Work = {
  readonly session: OpenSession;
  readonly price: SessionPrice;
  readonly targets: readonly Target[];
};

/**
 * The session of the node's newest state (recordings: session_get_session_current). Its status tells of a block some milliseconds
 * before that block's state is there (chain 2.2), and the session at such a height is refused.
 */
const CURRENT = 0n;

/** Relays in the application's session as the chain gives it. Errors: openSession's, sessionPrice's, chooseSuppliers'. */
export async function openChainSource(options: ChainSourceOptions): Promise<RelaySource> {
  const { chain, clock, wish, choice, kind } = options;
  const keys = new PublicKeys(chain);
  const open = async (height: bigint): Promise<Work> => {
    const session = await openSession(chain, keys, { ...wish, height });
    const price = await sessionPrice(chain, wish.service, session.header.sessionStartBlockHeight);
    return { session, price, targets: chooseSuppliers(session.suppliers, choice, kind) };
  };
  let work = await open(options.height ?? CURRENT);
  let problem: unknown;
  const stop = new AbortController();
  const follow = async () => {
    const { latestHeight } = await chain.status();
    if (latestHeight > work.session.header.sessionEndBlockHeight) work = await open(CURRENT);
    problem = undefined;
  };
  const following =
    options.height !== undefined
      ? Promise.resolve()
      : repeat(
          clock,
          { everyMs: options.lookEveryMs, signal: stop.signal, onError: (thrown) => (problem = thrown) },
          follow,
        );
  return {
    targets: () => work.targets,
    relay: (number) => {
      if (problem !== undefined) throw toError(problem);
      const { session, price, targets } = work;
      return { ...relayTo(session, targets, number, options.payload), price };
    },
    isCurrent: ({ signers }) => signers.header.sessionId === work.session.header.sessionId,
    close: async () => {
      stop.abort();
      await following;
    },
  };
}

export type SimulatedSourceOptions = Common & {
  readonly identity: SimulatedIdentity;
  readonly target: Target;
  readonly clock: Clock;
  readonly random: (length: number) => Uint8Array;
};

/** Simulated relays: each in a session id of its own, as a relayer takes each only once (relay-path 8). Errors: simulatedSigners'. */
export function openSimulatedSource(options: SimulatedSourceOptions): RelaySource {
  const { identity, target, clock, random, payload } = options;
  const signers = () => simulatedSigners(identity, clock.now(), random);
  // A key that fits nothing is told before anything is sent.
  signers();
  return {
    targets: () => [target],
    relay: (number) => ({ ...relayTo(signers(), [target], number, payload), price: undefined }),
    isCurrent: () => true,
    close: () => undefined,
  };
}

function relayTo(signers: Signers, targets: readonly Target[], number: number, payload: Common["payload"]) {
  const target = targets[number % targets.length];
  if (target === undefined) throw new Error("no supplier to ask");
  const { supplier, url } = target;
  // Members change only when every supplier had its turn, so that each supplier meets each member.
  const turn = Math.floor(number / targets.length);
  return { ...signRelay(signers, supplier, { payload: payload(url, number), turn }), url, signers };
}

/**
 * Whom of a session to ask, and where. Throws AppError NOT_IN_SESSION for a supplier that is not in it, NO_ENDPOINT when none says where
 * it takes relays of the kind and no URL is given, KEY_UNKNOWN when its answers could not be checked.
 */
function chooseSuppliers(
  suppliers: readonly SessionSupplier[],
  { supplier, all, relayerUrl }: SupplierChoice,
  kind: BackendKind,
): readonly Target[] {
  const wanted = suppliers.filter(({ address }) => supplier === undefined || address === supplier);
  if (wanted.length === 0)
    throw new AppError("NOT_IN_SESSION", `${supplier} is not in the application's session`, {
      why: `its suppliers: ${suppliers.map(({ address }) => address).join(", ")}`,
    });
  const reachable = wanted.flatMap((each) => {
    const url = relayerUrl ?? endpointOf(each, kind);
    return url === undefined ? [] : [{ ...each, url }];
  });
  if (reachable.length === 0)
    throw new AppError("NO_ENDPOINT", `No supplier of the session has staked a usable ${kind} endpoint`, {
      why: `${wanted.length} of ${suppliers.length} suppliers were looked at`,
    });
  const known = reachable.flatMap(({ address, publicKey, url }) =>
    publicKey === undefined ? [] : [{ supplier: { address, publicKey }, url }],
  );
  const [first] = known;
  if (first === undefined)
    throw new AppError("KEY_UNKNOWN", `The chain has no public key of ${wanted[0]?.address}`, {
      why: "the supplier's account has never sent a transaction, so its answers cannot be checked",
    });
  return all ? known : [first];
}

const endpointOf = ({ endpoints }: SessionSupplier, kind: BackendKind): string | undefined =>
  endpoints.find(({ rpcType, url }) => rpcType === RPC_TYPES[kind] && URL.canParse(url))?.url;
