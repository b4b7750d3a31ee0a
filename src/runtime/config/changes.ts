/** What differs between two readings of a configuration, in words that may be logged: secrets are never among them. */

export type Change = {
  /** The setting, as in the YAML: `services.eth.timeout_profile`. */
  readonly setting: string;
  /** Undefined: it was not set. */
  readonly before: string | undefined;
  readonly after: string | undefined;
};

type Leaves = Map<string, unknown>;

/** Settings whose values are secrets, or may hold one. */
const SECRET = /(^|\.)(headers|authentication|request_body|password|bearer_token|plain_token)(\.|$)/;
const MAX_SHOWN = 200;

/** Every setting that is not as it was, in the order of their names. */
export function changesBetween(before: unknown, after: unknown): readonly Change[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].toSorted((left, right) =>
    left < right ? -1 : 1,
  );
  return names
    .filter((name) => JSON.stringify(old.get(name)) !== JSON.stringify(now.get(name)))
    .map((name) => ({
      setting: name,
      before: shown(name, old.get(name)),
      after: shown(name, now.get(name)),
    }));
}

function leavesOf(value: unknown, path = "", into: Leaves = new Map()): Leaves {
  if (typeof value !== "object" || value === null) {
    if (value !== undefined) into.set(path, value);
    return into;
  }
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item, index) => [`${path}[${index}]`, item])
    : Object.entries(value).map(([key, item]) => [path === "" ? key : `${path}.${key}`, item]);
  if (entries.length === 0 && path !== "") into.set(path, Array.isArray(value) ? "[]" : "{}");
  for (const [name, item] of entries) leavesOf(item, name, into);
  return into;
}

function shown(setting: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (SECRET.test(setting)) return "***";
  const text = String(value);
  return (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? withoutSecrets(text) : text).slice(0, MAX_SHOWN);
}

/** Users, passwords and keys stand in every part of a URL but its host. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return "***";
  const { protocol, host, pathname, search, username, password } = new URL(url);
  const isPlain =
    username === "" && password === "" && search === "" && (pathname === "/" || pathname === "");
  return `${protocol}//${host}${isPlain ? "" : "/***"}`;
}

/** "services.eth.timeout_profile: fast → streaming". */
export const changeInWords = ({ setting, before, after }: Change): string =>
  before === after
    ? `${setting}: another value (not shown)`
    : `${setting}: ${before ?? "not set"} → ${after ?? "not set"}`;

/** Whether a setting is one of those named, or part of one. */
export const isOneOf = (setting: string, names: readonly string[]): boolean =>
  names.some((name) => setting === name || setting.startsWith(`${name}.`) || setting.startsWith(`${name}[`));
