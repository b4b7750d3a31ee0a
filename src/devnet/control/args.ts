import { AppError } from "../../base/errors.ts";

export type Args = Readonly<Record<string, unknown>>;

const usage = (message: string): AppError => new AppError("USAGE", message);

/** A text argument. Throws AppError USAGE if it is missing or something else. */
export function text(args: Args, name: string): string {
  const value = args[name];
  if (typeof value !== "string" || value === "") throw usage(`"${name}" is a text and must be given`);
  return value;
}

/** A whole number, as JSON number or text; `otherwise` where it is left out. Throws AppError USAGE. */
export function whole(args: Args, name: string, otherwise?: bigint): bigint {
  const value = args[name];
  if (value === undefined && otherwise !== undefined) return otherwise;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === "string" && /^\d+(upokt)?$/.test(value)) return BigInt(value.replace("upokt", ""));
  throw usage(`"${name}" is a whole number, 0 or more`);
}

/** Like `whole`, for what must be at most `most`: counts and milliseconds. */
export function count(args: Args, name: string, most: number, otherwise?: number): number {
  const value = Number(whole(args, name, otherwise === undefined ? undefined : BigInt(otherwise)));
  if (value > most) throw usage(`"${name}" is at most ${most}`);
  return value;
}

/** A JSON object. Throws AppError USAGE. */
export function object(args: Args, name: string): Args {
  const value = args[name];
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw usage(`"${name}" is an object and must be given`);
  return value as Args;
}

/** A list of texts; empty where it is left out. Throws AppError USAGE. */
export function texts(args: Args, name: string): readonly string[] {
  const value = args[name] ?? [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string"))
    throw usage(`"${name}" is a list of texts`);
  return value as string[];
}
