/** Text of the dashboard: every function answers characters that are one terminal column wide each, so that length is width. */

/** Latin letters, and the punctuation, lines and shapes the screens are drawn with; whatever else comes from Redis becomes "?". */
const NARROW =
  /[^\x20-\x7e\u00a1-\u00ac\u00ae-\u024f\u2010-\u2015\u2018-\u201f\u2022\u2026\u2190-\u2193\u2212\u2500-\u25ff\u2713-\u2718]/g;

/** Takes out control characters (an id in Redis could hold an escape sequence) and everything of another width. */
export const clean = (text: string): string => text.replace(NARROW, "?");

export const UNKNOWN = "—";

/** Cuts at the end, with an ellipsis. */
export const cutEnd = (text: string, width: number): string =>
  text.length <= width ? text : width <= 0 ? "" : `${text.slice(0, width - 1)}…`;

/** Cuts in the middle: of an address or a hash both ends tell something. Short on room, the prefix all addresses share goes first. */
export function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width < 5) return cutEnd(text, width);
  const bare = width < 11 && text.startsWith("pokt1") ? text.slice(5) : text;
  const tail = Math.min(6, Math.floor((width - 1) / 2));
  return `${bare.slice(0, width - 1 - tail)}…${bare.slice(-tail)}`;
}

/** 48 211 */
export const count = (value: bigint | number | undefined): string =>
  value === undefined ? UNKNOWN : String(value).replace(/\B(?=(\d{3})+(?!\d))/g, " ");

/** 1 session, 2 sessions */
export const plural = (value: bigint | number, noun: string): string =>
  `${count(value)} ${noun}${Number(value) === 1 ? "" : "s"}`;

/** One decimal below 100. */
export const decimal = (value: number | undefined): string => {
  if (value === undefined) return UNKNOWN;
  return value < 100 ? value.toFixed(1) : count(Math.round(value));
};

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** 0.8 s, 12 s, 4 min, 3 h, 2 d: the largest unit that fits, rounded down. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return UNKNOWN;
  const positive = Math.max(0, ms);
  if (positive < 10 * SECOND) return `${(positive / SECOND).toFixed(1)} s`;
  if (positive < 2 * MINUTE) return `${Math.floor(positive / SECOND)} s`;
  if (positive < 2 * HOUR) return `${Math.floor(positive / MINUTE)} min`;
  if (positive < 2 * DAY) return `${Math.floor(positive / HOUR)} h`;
  return `${Math.floor(positive / DAY)} d`;
}

export function bytes(value: number | undefined): string {
  if (value === undefined) return UNKNOWN;
  if (value < 1_000_000) return `${Math.ceil(value / 1_000)} kB`;
  if (value < 1_000_000_000) return `${Math.round(value / 1_000_000)} MB`;
  return `${(value / 1_000_000_000).toFixed(1)} GB`;
}

const UPOKT = 1_000_000n;

/** An amount of upokt in at most ten columns: four figures of POKT, or whole upokt below a hundredth of one. */
export function pokt(upokt: bigint | undefined): string {
  if (upokt === undefined) return UNKNOWN;
  if (upokt !== 0n && upokt < UPOKT / 100n) return `${upokt} upokt`;
  const amount = Number(upokt) / 1_000_000;
  if (amount >= 1_000_000) return `${(amount / 1_000_000).toFixed(2)}M POKT`;
  if (amount >= 10_000) return `${(amount / 1_000).toFixed(1)}k POKT`;
  if (amount >= 1_000) return `${count(Math.round(amount))} POKT`;
  return `${amount.toFixed(amount >= 100 ? 1 : amount >= 1 || upokt === 0n ? 2 : 3)} POKT`;
}

/** The exact amount: 126 420 000 upokt. */
export const exactUpokt = (upokt: bigint | undefined): string =>
  upokt === undefined ? UNKNOWN : `${count(upokt)} upokt`;

const BARS = "▁▂▃▄▅▆▇█";

/** The last samples as bars; the highest is the full one. */
export function sparkline(samples: readonly number[], width: number): string {
  const shown = samples.slice(-width);
  const top = Math.max(...shown, 0);
  if (top <= 0) return "▁".repeat(shown.length);
  return shown
    .map((sample) => BARS[Math.min(7, Math.floor((Math.max(0, sample) / top) * 7.999))] ?? "▁")
    .join("");
}

/** ▰▰▱▱ */
export function bar(part: number, width: number): string {
  const full = Math.max(0, Math.min(width, Math.round(part * width)));
  return "▰".repeat(full) + "▱".repeat(width - full);
}
