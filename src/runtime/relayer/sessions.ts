import { LRUCache } from "lru-cache";
import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { Application } from "../../chain/proto/application.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import type { SharedParams } from "../../chain/proto/shared.ts";
import { relayArrival } from "../../chain/protocol/arrival.ts";
import { relayCost } from "../../chain/protocol/pricing.ts";
import {
  PLACEHOLDER_ADDRESS,
  PLACEHOLDER_PUBLIC_KEY,
  ringAddresses,
} from "../../chain/protocol/ring/members.ts";
import { type PreparedRing, prepareRing } from "../../chain/protocol/ring/prepare.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { Heights } from "./heights.ts";
import { Reject } from "./rejects.ts";

/** What every relay of a session needs, looked up once: no chain or Redis query on the path of a relay whose session is warm. */
export type PreparedSession = {
  readonly header: SessionHeader;
  readonly suppliers: ReadonlySet<string>;
  /** In force at the session's end: how long after it the session is still served. */
  readonly atEnd: SharedParams;
  /** Of the service at the session's start: the weight of a leaf. */
  readonly computeUnitsPerRelay: bigint;
  /** Mining difficulty at the session's start. */
  readonly target: Uint8Array;
  /** What one relay costs the application, in upokt (relay-path 7.1). */
  readonly cost: bigint;
};

type Ring = { readonly application: Application; readonly members: string; readonly prepared: PreparedRing };

type Dependencies = { readonly chain: ChainData; readonly clock: Clock; readonly heights: Heights };

const MAX_SESSIONS = 5_000;
/** Sessions that the chain did not confirm are asked for again no sooner than this. */
const REFUSED_FOR_MS = 500;
/** A client may be a block or two ahead of this relayer's node: wait a little rather than refuse. */
const AHEAD_WAIT_MS = 3_000;
/** A signer that is not in the ring may be a fresh delegation: the application is read again, at most so often (relay-path 10.2, 23). */
const RING_REFRESH_MS = 5_000;
/** Chain lookups for sessions that are not warm, at once; strangers cannot make this relayer flood its node. */
const MAX_LOOKUPS = 128;

export class Sessions {
  readonly #chain: ChainData;
  readonly #clock: Clock;
  readonly #heights: Heights;
  readonly #prepared = new LRUCache<string, Promise<PreparedSession>>({ max: MAX_SESSIONS });
  readonly #refused = new LRUCache<string, { until: number; reject: Reject }>({ max: MAX_SESSIONS });
  readonly #rings = new LRUCache<string, Ring>({ max: MAX_SESSIONS });
  readonly #ringRefreshedAt = new LRUCache<string, number>({ max: MAX_SESSIONS });
  #lookups = 0;

  constructor({ chain, clock, heights }: Dependencies) {
    this.#chain = chain;
    this.#heights = heights;
    this.#clock = clock;
  }

  /**
   * The session a request claims, if it is the chain's. Throws Reject: session_invalid when the chain says otherwise,
   * session_unknown when the chain cannot be asked (never read as "invalid"), overloaded.
   */
  async prepare(header: SessionHeader): Promise<PreparedSession> {
    const key = `${header.sessionId}|${header.sessionStartBlockHeight}|${header.sessionEndBlockHeight}|${header.serviceId}|${header.applicationAddress}`;
    const known = this.#prepared.get(key);
    if (known !== undefined) return known;
    const refused = this.#refused.get(key);
    if (refused && this.#clock.monotonic() < refused.until) throw refused.reject;
    if (this.#lookups >= MAX_LOOKUPS) throw new Reject("overloaded", "too many unknown sessions");
    const preparing = this.#lookUp(header);
    this.#prepared.set(key, preparing);
    try {
      return await preparing;
    } catch (thrown) {
      this.#prepared.delete(key);
      const reject = asReject(thrown);
      this.#refused.set(key, { until: this.#clock.monotonic() + REFUSED_FOR_MS, reject });
      throw reject;
    }
  }

  /** The ring that may sign for this session now. Delegations may come during a session, so it follows the application's record. */
  async ring({ header }: PreparedSession): Promise<PreparedRing> {
    try {
      const application = await this.#chain.application(header.applicationAddress);
      const key = ringKey(header);
      const held = this.#rings.get(key);
      if (held?.application === application) return held.prepared;
      const addresses = ringAddresses(application, header.sessionEndBlockHeight);
      const members = addresses.join();
      const prepared =
        held?.members === members ? held.prepared : prepareRing(await this.#publicKeys(addresses));
      this.#rings.set(key, { application, members, prepared });
      return prepared;
    } catch (thrown) {
      throw asReject(thrown);
    }
  }

  /** After a signature that did not verify: the ring by a fresh application record, or undefined when it was read a moment ago. */
  async refreshedRing(session: PreparedSession): Promise<PreparedRing | undefined> {
    const { applicationAddress } = session.header;
    const now = this.#clock.monotonic();
    const last = this.#ringRefreshedAt.get(applicationAddress);
    if (last !== undefined && now - last < RING_REFRESH_MS) return undefined;
    this.#ringRefreshedAt.set(applicationAddress, now);
    const before = this.#rings.get(ringKey(session.header))?.members;
    await this.#chain.caches.application.refresh(applicationAddress).catch(() => undefined);
    const ring = await this.ring(session);
    return this.#rings.get(ringKey(session.header))?.members === before ? undefined : ring;
  }

  /** Forgets what was prepared for an application, or everything: the next relay looks again. */
  forget(application?: string): void {
    this.#refused.clear();
    if (application === undefined) {
      this.#prepared.clear();
      this.#rings.clear();
      return;
    }
    for (const key of this.#prepared.keys()) if (key.endsWith(`|${application}`)) this.#prepared.delete(key);
    for (const key of this.#rings.keys()) if (key.startsWith(`${application}|`)) this.#rings.delete(key);
    this.#ringRefreshedAt.delete(application);
  }

  get size(): number {
    return this.#prepared.size;
  }

  async #publicKeys(addresses: readonly string[]): Promise<Uint8Array[]> {
    return Promise.all(
      addresses.map(async (address) =>
        address === PLACEHOLDER_ADDRESS ? PLACEHOLDER_PUBLIC_KEY : this.#chain.publicKey(address),
      ),
    );
  }

  async #lookUp(header: SessionHeader): Promise<PreparedSession> {
    const {
      applicationAddress,
      serviceId,
      sessionStartBlockHeight: start,
      sessionEndBlockHeight: end,
    } = header;
    this.#lookups += 1;
    try {
      if (!(await this.#heights.reached(start, AHEAD_WAIT_MS)))
        throw new Reject("session_invalid", "it has not begun");
      const session = await this.#chain.session(
        applicationAddress,
        serviceId,
        await this.#lookupHeight(start, end),
      );
      requireSame(header, session.header);
      // Only now are the heights the chain's own: what is asked for a height is kept for good, so never ask for a stranger's.
      const [atStart, atEnd, computeUnitsPerRelay, difficulty] = await Promise.all([
        this.#chain.sharedParamsAt(start),
        this.#chain.sharedParamsAt(end),
        this.#chain.computeUnitsPerRelayAt(serviceId, start),
        this.#chain.difficultyAt(serviceId, start),
      ]);
      return {
        header,
        suppliers: new Set(session.suppliers.map(({ operatorAddress }) => operatorAddress)),
        atEnd,
        computeUnitsPerRelay,
        target: difficulty.targetHash,
        cost: relayCost(computeUnitsPerRelay, atStart),
      };
    } finally {
      this.#lookups -= 1;
    }
  }

  /** While a session runs nothing but its start is needed; after it, the grace period of its end decides (relay-path 5.4). */
  async #lookupHeight(start: bigint, end: bigint): Promise<bigint> {
    const height = this.#heights.current;
    if (end >= height) return start;
    const { served, lookupHeight } = relayArrival(
      { start, end },
      height,
      await this.#chain.sharedParamsAt(end),
    );
    if (!served) throw new Reject("session_expired");
    return lookupHeight;
  }
}

const ringKey = (header: SessionHeader): string =>
  `${header.applicationAddress}|${header.sessionEndBlockHeight}`;

function requireSame(header: SessionHeader, chain: SessionHeader | undefined): void {
  const same =
    chain !== undefined &&
    chain.applicationAddress === header.applicationAddress &&
    chain.serviceId === header.serviceId &&
    chain.sessionId === header.sessionId &&
    chain.sessionStartBlockHeight === header.sessionStartBlockHeight &&
    chain.sessionEndBlockHeight === header.sessionEndBlockHeight;
  if (!same) throw new Reject("session_invalid");
}

/** Only the chain's own verdict is "invalid"; whatever kept us from hearing it is "unknown". */
function asReject(thrown: unknown): Reject {
  if (thrown instanceof Reject) return thrown;
  const code = thrown instanceof AppError ? thrown.code : "";
  const verdict = code === "CHAIN_NOT_FOUND" || code === "CHAIN_REFUSED" || code === "ACCOUNT_WITHOUT_KEY";
  const detail =
    code === "ACCOUNT_WITHOUT_KEY" ? "a member of the ring has no public key on chain" : undefined;
  return new Reject(verdict ? "session_invalid" : "session_unknown", detail, { cause: thrown });
}
