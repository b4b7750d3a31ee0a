import { isTerminal, OPEN_STATES, type SessionRecord } from "../redis/session-record.ts";
import type { SessionList, Sessions } from "../redis/sessions.ts";
import type { TrieStore } from "../redis/trie-store.ts";
import type { SupplierWorker } from "./worker.ts";

type Options = {
  readonly sessions: Sessions;
  readonly trieStoreOf: (record: SessionRecord) => TrieStore;
};

type Known = {
  /** Sessions of the last look that were not settled. */
  ids: ReadonlySet<string>;
  looks: number;
};

/** Everything is read again after so many looks; in between only what can have changed. */
const READ_ALL_EVERY = 100;

/**
 * A supplier's sessions that have not settled. Settled ones are kept in Redis for a day and more, and are not read at every block: once
 * all were read, only the open ones and those that were not settled at the last look can be of interest.
 */
export class Unsettled {
  readonly #options: Options;
  readonly #known = new WeakMap<SupplierWorker, Known>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Throws what Redis throws; records that cannot be read are told apart. */
  async list(worker: SupplierWorker): Promise<SessionList> {
    const known = this.#known.get(worker) ?? { ids: new Set(), looks: 0 };
    const all = known.looks % READ_ALL_EVERY === 0;
    const { sessions, unreadable } = all
      ? await this.#options.sessions.list(worker.supplier)
      : await this.#changed(worker.supplier, known.ids);
    const unsettled = sessions.filter((record) => !isOver(record));
    if (known.looks === 0) await this.#protect(unsettled);
    this.#known.set(worker, {
      ids: new Set(unsettled.map(({ sessionId }) => sessionId)),
      looks: known.looks + 1,
    });
    return { sessions: unsettled, unreadable };
  }

  async #changed(supplier: string, before: ReadonlySet<string>): Promise<SessionList> {
    const { sessions } = this.#options;
    const lists = await Promise.all(OPEN_STATES.map((state) => sessions.listByState(supplier, state)));
    const found = new Map(lists.flatMap((list) => list.sessions.map((record) => [record.sessionId, record])));
    const others = [...before].filter((sessionId) => !found.has(sessionId));
    for (const record of await Promise.all(others.map((sessionId) => sessions.load(supplier, sessionId))))
      if (record !== undefined) found.set(record.sessionId, record);
    const inOrder = [...found.values()].sort((left, right) => Number(left.startHeight - right.startHeight));
    return { sessions: inOrder, unreadable: lists.flatMap(({ unreadable }) => unreadable) };
  }

  /** Once per lease: what a Go miner has left behind would expire, perhaps before its claim is paid (mining-path 7.2). */
  async #protect(records: readonly SessionRecord[]): Promise<void> {
    const { sessions, trieStoreOf } = this.#options;
    for (const record of records.filter(({ state }) => !isTerminal(state))) {
      await sessions.protect(record.supplier, record.sessionId);
      await trieStoreOf(record).protect();
    }
  }
}

const isOver = ({ state, settlementOutcome }: SessionRecord): boolean =>
  isTerminal(state) && settlementOutcome !== undefined;
