import { Flags } from "@oclif/core";
import { AppError, toError } from "../../../base/errors.ts";
import { addressBytes, encodeAddress } from "../../../chain/protocol/address.ts";

/** What of the cache is meant: an entity, and which one of it (undefined: it has no id). */
export type Target<Entity extends string> = { readonly entity: Entity; readonly id: string | undefined };

const WHAT = "TARGET";

/** Flags that name one cached thing; `cache show` and `cache invalidate` share them. */
export const oneOfTheCache = {
  app: Flags.string({ summary: "An application", helpValue: "<address>", helpGroup: WHAT }),
  service: Flags.string({ summary: "A service", helpValue: "<id>", helpGroup: WHAT }),
  supplier: Flags.string({ summary: "A supplier", helpValue: "<operator address>", helpGroup: WHAT }),
  params: Flags.boolean({ summary: "All params of the chain", helpGroup: WHAT }),
};

export const moreOfTheCache = {
  session: Flags.string({
    summary: "A session; cached sessions cannot be told by id, so all of them are forgotten",
    helpValue: "<id>",
    helpGroup: WHAT,
  }),
  all: Flags.boolean({ summary: "Everything that is cached; asks first on a terminal", helpGroup: WHAT }),
};

type Given = {
  readonly app?: string | undefined;
  readonly service?: string | undefined;
  readonly supplier?: string | undefined;
  readonly session?: string | undefined;
  readonly params?: boolean;
  readonly all?: boolean;
};

const ENTITY = {
  app: "application",
  service: "service",
  supplier: "supplier",
  session: "session",
  params: "params",
  all: "all",
} as const;

type Flag = keyof typeof ENTITY;
type Entity = (typeof ENTITY)[Flag];

/** The one target that the flags give. Errors: USAGE (none, several, or a wrong id), BAD_ADDRESS. */
export function targetOf<Allowed extends Flag>(
  flags: Given,
  allowed: readonly Allowed[],
): Target<(typeof ENTITY)[Allowed]> {
  const given = allowed.filter((name) => flags[name] !== undefined && flags[name] !== false);
  const [name] = given;
  if (name === undefined || given.length > 1)
    throw new AppError("USAGE", `Give exactly one of ${allowed.map((flag) => `--${flag}`).join(", ")}`, {
      why:
        name === undefined ? "none is given" : `given are ${given.map((flag) => `--${flag}`).join(" and ")}`,
    });
  const value = flags[name];
  return { entity: ENTITY[name], id: typeof value === "string" ? idOf(name, value) : undefined };
}

function idOf(flag: Flag, text: string): string {
  if (flag === "service" && !/^[A-Za-z0-9_-]{1,42}$/.test(text)) throw notAnId(flag, text, "a service id");
  if (flag === "session" && !/^[0-9a-f]{64}$/.test(text)) throw notAnId(flag, text, "64 hex digits");
  return flag === "app" || flag === "supplier" ? addressOf(flag, text) : text;
}

/** In the one form in which the chain stores it. */
function addressOf(flag: Flag, text: string): string {
  try {
    return encodeAddress(addressBytes(text));
  } catch (thrown) {
    throw new AppError("BAD_ADDRESS", `--${flag} ${text} is not an address`, {}, toError(thrown));
  }
}

const notAnId = (flag: Flag, text: string, expected: string) =>
  new AppError("USAGE", `--${flag} ${text} cannot be right`, { why: `expected ${expected}` });

export type { Entity };
