import { isIPv6 } from "node:net";

/** An IPv4 address that came over a socket of IPv6. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Whom a connection counts for where a limit is one for each source: an address of IPv4, or the /64 network of an address of IPv6, since
 * whoever has one of those has all 2^64. "" for a socket that has no address any more.
 */
export function sourceOf(address: string | undefined): string {
  if (address === undefined) return "";
  const [, mapped] = MAPPED.exec(address) ?? [];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [before = "", after] = address.split("%", 1)[0]?.split("::") ?? [];
  const [first, last] = [groupsOf(before), groupsOf(after ?? "")];
  const zeros = after === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array<string>(Math.max(0, zeros)).fill("0"), ...last];
  return `${groups.slice(0, 4).join(":")}::/64`;
}

/** The last two may be written as an address of IPv4. */
const groupsOf = (text: string): string[] =>
  text === "" ? [] : text.split(":").flatMap((group) => (group.includes(".") ? [group, group] : [group]));
