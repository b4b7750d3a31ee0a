import { AppError } from "../../base/errors.ts";

/** Codespace of refusals that are JSON-RPC error objects, not ABCI results. */
export const RPC_CODESPACE = "rpc";

type Refusal = { readonly code: number; readonly codespace: string; readonly log: string };

/** A JSON-RPC error object as CHAIN_REFUSED; `log` is its data, where CometBFT puts the text (chain 2.1). */
export function rpcRefusal(error: unknown, fields: Readonly<Record<string, unknown>>): AppError {
  const { code, message, data } = (error ?? {}) as Record<string, unknown>;
  const log = typeof data === "string" && data !== "" ? data : String(message ?? "unknown error");
  return new AppError("CHAIN_REFUSED", `the node refused: ${log}`, {
    ...fields,
    code: typeof code === "number" ? code : 0,
    codespace: RPC_CODESPACE,
    log,
  });
}

/** An ABCI result with a code: CHAIN_NOT_FOUND for 22 of sdk, CHAIN_REFUSED for everything else (chain 3.1). */
export function abciRefusal(refusal: Refusal, fields: Readonly<Record<string, unknown>>): AppError {
  const { code, codespace, log } = refusal;
  const kind = code === 22 && codespace === "sdk" ? "CHAIN_NOT_FOUND" : "CHAIN_REFUSED";
  return new AppError(kind, `the chain refused: ${log}`, { ...fields, code, codespace, log });
}

/** The refusal in an error of this client, if it is one. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  if (!(thrown instanceof AppError) || !/^CHAIN_(REFUSED|NOT_FOUND|TX_REFUSED)$/.test(thrown.code))
    return undefined;
  const { code, codespace, log } = thrown.fields;
  return { code: Number(code), codespace: String(codespace), log: String(log) };
}

const NOT_HERE_RPC =
  /must be less than or equal to the current blockchain height|could not find results for height|is not available, lowest height|indexing is disabled/;

/** True when this node lacks the height (or index) that another node may have: it is behind, pruned, or still executing (chain 2.2). */
export function lacksHeight(thrown: unknown): boolean {
  const refusal = refusalOf(thrown);
  if (refusal === undefined) return false;
  if (refusal.codespace === RPC_CODESPACE) return NOT_HERE_RPC.test(refusal.log);
  if (refusal.codespace !== "sdk") return false;
  return (
    refusal.code === 26 || (refusal.code === 18 && refusal.log.includes("failed to load state at height"))
  );
}

/** True when the node answers that it has thrown this old block away. */
export function isPruned(thrown: unknown): boolean {
  const refusal = refusalOf(thrown);
  return refusal?.codespace === RPC_CODESPACE && refusal.log.includes("is not available, lowest height");
}

/** True for failures of the way to the node, not of the request. */
export const isTransportFailure = (thrown: unknown): boolean =>
  thrown instanceof AppError && /^CHAIN_(UNREACHABLE|TIMEOUT|BAD_ANSWER)$/.test(thrown.code);

/** What a mempool answers as JSON-RPC error is an SDK code over gRPC: 19 duplicate, 20 full, 21 too large (mining-path 5.5). */
export function mempoolCode(thrown: unknown): Refusal | undefined {
  const refusal = refusalOf(thrown);
  if (refusal?.codespace !== RPC_CODESPACE) return undefined;
  const log = refusal.log.toLowerCase();
  if (log.includes("tx already exists in cache")) return { code: 19, codespace: "sdk", log: refusal.log };
  if (log.includes("mempool is full")) return { code: 20, codespace: "sdk", log: refusal.log };
  if (log.includes("tx too large")) return { code: 21, codespace: "sdk", log: refusal.log };
  return undefined;
}
