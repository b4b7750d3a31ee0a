import { AppError } from "../../base/errors.ts";
import { upokt } from "../chain/coins.ts";
import type { Args } from "./args.ts";

/**
 * Params with some fields changed. Names are those of the chain (`num_blocks_per_session`); amounts are upokt. Throws AppError USAGE on a
 * name the params do not have or a value of another kind.
 */
export function patched<Params extends object>(params: Params, changes: Args): Params {
  const next: Record<string, unknown> = Object.fromEntries(Object.entries(params));
  for (const [name, value] of Object.entries(changes)) {
    const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!(key in next))
      throw new AppError("USAGE", `there is no param "${name}"`, { params: Object.keys(params) });
    next[key] = changed(name, next[key], value);
  }
  return next as Params;
}

function changed(name: string, old: unknown, value: unknown): unknown {
  const wrong = () => new AppError("USAGE", `"${name}" cannot be ${JSON.stringify(value)}`);
  const isText = typeof value === "string" || typeof value === "number";
  if (typeof old === "string" && typeof value === "string") return value;
  if (typeof old === "number" && typeof value === "number") return value;
  if (typeof old === "bigint" && isText && /^\d+$/.test(String(value))) return BigInt(value);
  const isCoin = old === undefined || (typeof old === "object" && old !== null && "denom" in old);
  if (isCoin && isText && /^\d+(upokt)?$/.test(String(value)))
    return upokt(BigInt(String(value).replace("upokt", "")));
  if (!isCoin && typeof old === "object" && old !== null && typeof value === "object" && value !== null)
    return patched(old, value as Args);
  throw wrong();
}
