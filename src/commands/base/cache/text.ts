/** How ages, amounts and tables are written in the output of the cache commands. */

const STEPS = [
  { unit: "d", ms: 86_400_000 },
  { unit: "h", ms: 3_600_000 },
  { unit: "min", ms: 60_000 },
  { unit: "s", ms: 1_000 },
] as const;

/** 14 ms, 4 s, 3 min, 2 h: the largest unit that counts at least one. */
export function duration(ms: number): string {
  const step = STEPS.find((candidate) => ms >= candidate.ms);
  return step === undefined ? `${Math.round(ms)} ms` : `${Math.floor(ms / step.ms)} ${step.unit}`;
}

/** Digits in groups of three. */
export const grouped = (value: number | bigint | string): string =>
  String(value).replace(/\B(?=(\d{3})+(?!\d))/g, " ");

/** A field's text as people write it: upokt amounts in POKT. */
export function readable(text: string): string {
  const amount = /^(\d+)upokt$/.exec(text)?.[1];
  if (amount === undefined) return text;
  const padded = amount.padStart(7, "0");
  const fraction = padded.slice(-6).replace(/0+$/, "");
  return `${grouped(padded.slice(0, -6))}${fraction === "" ? "" : `.${fraction}`} POKT`;
}

/** Cuts the middle out of a long name. */
export function shortened(name: string, width: number): string {
  if (name.length <= width) return name;
  const tail = Math.floor((width - 1) / 2);
  return `${name.slice(0, width - 1 - tail)}…${name.slice(name.length - tail)}`;
}

/** Columns padded to their widest cell, the first one to the left and the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}
