import { toHex } from "../../base/bytes.ts";
import { isRefused, type RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { bytesOrNone, listOf, textOrNone } from "./reply.ts";

const ROOT_LENGTH = 48;

/** The roots that Redis holds of one session's trie (mining-path 1.10); a value of another length counts as absent, as in Go. */
export type TrieState = {
  /** Present means sealed: this root and no other is ever claimed. */
  readonly sealedRoot: Uint8Array | undefined;
  readonly liveRoot: Uint8Array | undefined;
  /** Go's text "{count}:{sum}". */
  readonly stats: string | undefined;
};

export type TrieStore = {
  state(): Promise<TrieState>;
  /** Nodes by their 48-byte digests, in the order asked for. */
  getMany(digests: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  nodeCount(): Promise<number>;
  /** Takes off whatever time to live a Go peer has set: call on taking the session over. */
  protect(): Promise<void>;
  /** Removes nodes and roots. Only after the session has settled. */
  remove(): Promise<void>;
};

const MOST_FIELDS = 5000;

export function trieStore(redis: RedisClient, keys: Keys, supplier: string, session: string): TrieStore {
  const nodes = keys.trieNodes(supplier, session);
  const root = keys.trieRoot(supplier, session);
  const liveRoot = keys.trieLiveRoot(supplier, session);
  const stats = keys.trieStats(supplier, session);
  const all = [nodes, root, liveRoot, stats];
  return {
    state: async () => {
      const [sealed, live, text] = listOf(await redis.send("MGET", root, liveRoot, stats));
      return {
        sealedRoot: rootOf(bytesOrNone(sealed)),
        liveRoot: rootOf(bytesOrNone(live)),
        stats: textOrNone(text),
      };
    },
    getMany: async (digests) => {
      const found: (Uint8Array | undefined)[] = [];
      for (let from = 0; from < digests.length; from += MOST_FIELDS) {
        const fields = digests.slice(from, from + MOST_FIELDS).map(toHex);
        for (const value of listOf(await redis.send("HMGET", nodes, ...fields)))
          found.push(bytesOrNone(value));
      }
      return found;
    },
    nodeCount: async () => Number(await redis.send("HLEN", nodes)),
    protect: async () => {
      await Promise.all(all.map((key) => redis.send("PERSIST", key)));
    },
    remove: async () => {
      await unlink(redis, all);
    },
  };
}

export const rootOf = (bytes: Uint8Array | undefined): Uint8Array | undefined =>
  bytes?.length === ROOT_LENGTH ? bytes : undefined;

/** UNLINK frees a large hash outside the command loop; DEL where an ACL knows only that. */
async function unlink(redis: RedisClient, keys: readonly string[]): Promise<void> {
  try {
    await redis.send("UNLINK", ...keys);
  } catch (thrown) {
    if (!isRefused(thrown, "NOPERM")) throw thrown;
    await redis.send("DEL", ...keys);
  }
}
