import { LRUCache } from "lru-cache";
import { byObject } from "../../base/by-object.ts";
import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { Application } from "../../chain/proto/application.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import {
  PLACEHOLDER_ADDRESS,
  PLACEHOLDER_PUBLIC_KEY,
  ringAddresses,
} from "../../chain/protocol/ring/members.ts";
import { type PreparedRing, prepareRing } from "../../chain/protocol/ring/prepare.ts";
import type { ChainData } from "../cache/chain-data.ts";
import { Reject } from "./rejects.ts";

type SignedFor = { readonly header: SessionHeader; readonly application: Application };
type Held = { readonly members: string; readonly ring: PreparedRing };
type Failed = { readonly until: number; readonly reject: Reject };

const MAX_RINGS = 5_000;
/** A signer that is not in the ring may be a fresh delegation: the application is read again, at most so often (relay-path 10.2, 23). */
const REFRESH_MS = 5_000;
/** A ring that cannot be made is tried again no sooner than this. */
const FAILED_FOR_MS = 500;

/**
 * Who may sign for a session: by the application's record as the chain gave it with the session. Within a session members only come,
 * never go, since an undelegation counts from the next one (relay-path 3.2). A record read before the session's start must not be
 * used: it may name a gateway that has gone, and the chain slashes for its relays.
 */
export class Rings {
  readonly #chain: ChainData;
  readonly #clock: Clock;
  readonly #held = new LRUCache<string, Promise<Held>>({ max: MAX_RINGS });
  readonly #failed = new LRUCache<string, Failed>({ max: MAX_RINGS });
  readonly #refreshes = new LRUCache<string, { at: number; done: Promise<boolean> }>({ max: MAX_RINGS });

  constructor({ chain, clock }: { readonly chain: ChainData; readonly clock: Clock }) {
    this.#chain = chain;
    this.#clock = clock;
  }

  /** Throws Reject: session_invalid when a member has no key that could sign, session_unknown when the chain cannot be asked. */
  async of({ header, application }: SignedFor): Promise<PreparedRing> {
    const key = keyOf(header);
    const held = this.#held.get(key);
    if (held !== undefined) return (await held).ring;
    const failed = this.#failed.get(key);
    if (failed && this.#clock.monotonic() < failed.until) throw failed.reject;
    const making = this.#make(ringAddresses(application, header.sessionEndBlockHeight));
    this.#held.set(key, making);
    try {
      return (await making).ring;
    } catch (thrown) {
      if (this.#held.peek(key) === making) this.#held.delete(key);
      const until = this.#clock.monotonic() + FAILED_FOR_MS;
      if (thrown instanceof Reject) this.#failed.set(key, { until, reject: thrown });
      throw thrown;
    }
  }

  /**
   * The ring by a fresh record, or undefined when it is the one that was tried. Many who ask at once cause one query.
   * Throws Reject session_unknown when there is no fresh record to be had.
   */
  async refreshed(session: SignedFor, tried: PreparedRing): Promise<PreparedRing | undefined> {
    const key = keyOf(session.header);
    const now = this.#clock.monotonic();
    let refresh = this.#refreshes.get(key);
    if (refresh === undefined || now - refresh.at >= REFRESH_MS) {
      refresh = { at: now, done: this.#refresh(key, session.header) };
      this.#refreshes.set(key, refresh);
    }
    const isFresh = await refresh.done;
    const ring = await this.of(session);
    if (ring !== tried) return ring;
    if (!isFresh) throw new Reject("session_unknown", "who may sign for it cannot be read");
    return undefined;
  }

  forget(application: string | undefined): void {
    for (const kept of [this.#held, this.#failed, this.#refreshes])
      for (const key of kept.keys())
        if (application === undefined || key.startsWith(`${application}|`)) kept.delete(key);
  }

  /** Through the session, which the chain gives only at or after its start, with the application as of now (chain 6). */
  async #refresh(key: string, header: SessionHeader): Promise<boolean> {
    const { applicationAddress, serviceId, sessionStartBlockHeight, sessionEndBlockHeight } = header;
    const place = `${applicationAddress}:${serviceId}:${sessionStartBlockHeight}`;
    const cache = this.#chain.caches.session;
    try {
      const before = cache.peek(place);
      const session = await cache.refresh(place);
      // A refresh that failed gives what was held.
      if (session === before || session.application === undefined) return false;
      const addresses = ringAddresses(session.application, sessionEndBlockHeight);
      const held = await this.#held.peek(key);
      if (held?.members !== addresses.join())
        this.#held.set(key, Promise.resolve(await this.#make(addresses)));
      return true;
    } catch {
      return false;
    }
  }

  /** Throws nothing but Reject: whoever else waits for this ring gets the same answer. */
  async #make(addresses: readonly string[]): Promise<Held> {
    try {
      const publicKeys = await Promise.all(
        addresses.map(async (address) =>
          address === PLACEHOLDER_ADDRESS ? PLACEHOLDER_PUBLIC_KEY : this.#chain.publicKey(address),
        ),
      );
      return { members: addresses.join(), ring: prepareRing(publicKeys) };
    } catch (thrown) {
      throw asReject(thrown);
    }
  }
}

const keyOf = byObject(
  (header: SessionHeader): string => `${header.applicationAddress}|${header.sessionEndBlockHeight}`,
);

/** A member that never signed anything keeps every relay of its application out, on chain as here: the operator can see who (relay-path 10.2, 22). */
function asReject(thrown: unknown): Reject {
  const isKeyless =
    thrown instanceof AppError && (thrown.code === "ACCOUNT_WITHOUT_KEY" || thrown.code === "BAD_RING_KEY");
  if (!isKeyless) return new Reject("session_unknown", undefined, { cause: thrown });
  return new Reject("session_invalid", "a member of the ring has no public key on chain", {
    cause: thrown,
    fields: { member: thrown.fields["address"] },
  });
}
