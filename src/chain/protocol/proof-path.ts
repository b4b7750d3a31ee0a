import { createHash } from "node:crypto";

/**
 * The 32 bytes that the proven leaf must be closest to: sha256 of the seed block's raw hash and the session id's text
 * (mining-path 4.2). The seed block is that of `proofSeedHeight`.
 */
export const proofPath = (blockHash: Uint8Array, sessionId: string): Uint8Array =>
  new Uint8Array(createHash("sha256").update(blockHash).update(sessionId, "utf8").digest());
