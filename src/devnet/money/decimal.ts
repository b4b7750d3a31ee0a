/** An exact decimal: `digits` / `scale`, the latter a power of ten. */
export type Decimal = { readonly digits: bigint; readonly scale: bigint };

const DECIMAL_TEXT = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/;

/**
 * The decimal that a double stands for in params: its shortest text that reads back as the same double, taken exactly
 * (mining-path 9.3). Throws RangeError for a negative or non-finite one, which no param may be.
 */
export function exactDecimal(value: number): Decimal {
  const match = DECIMAL_TEXT.exec(value.toString());
  if (match === null) throw new RangeError(`not a share or rate: ${value}`);
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const places = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return places >= 0
    ? { digits, scale: 10n ** BigInt(places) }
    : { digits: digits * 10n ** BigInt(-places), scale: 1n };
}

/** amount · rate, rounded down. */
export const floorOf = (amount: bigint, rate: Decimal): bigint => (amount * rate.digits) / rate.scale;

/** amount · rate, rounded up; for amounts that are not negative. */
export const ceilOf = (amount: bigint, rate: Decimal): bigint =>
  (amount * rate.digits + rate.scale - 1n) / rate.scale;

/** amount / (1 + rate), rounded down. */
export const withoutRate = (amount: bigint, rate: Decimal): bigint =>
  (amount * rate.scale) / (rate.scale + rate.digits);

/** A double without exponent, as the chain prints a ratio: "0.975", "1". */
export function decimalText(value: number): string {
  const { digits, scale } = exactDecimal(value);
  const places = scale.toString().length - 1;
  const text = digits.toString().padStart(places + 1, "0");
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
}

/** A decimal text such as "0.1"; throws RangeError for anything else. */
export function parseDecimal(text: string): Decimal {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new RangeError(`not a decimal: ${text}`);
  const [, whole = "", fraction = ""] = match;
  return { digits: BigInt(whole + fraction), scale: 10n ** BigInt(fraction.length) };
}

/** With 18 decimals, as the chain's own decimal type prints itself. */
export function eighteenDecimals({ digits, scale }: Decimal): string {
  const text = ((digits * 10n ** 18n) / scale).toString().padStart(19, "0");
  return `${text.slice(0, -18)}.${text.slice(-18)}`;
}
