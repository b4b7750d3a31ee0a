/**
 * Positive binary floats with a fixed number of mantissa bits, rounded to nearest even after each operation, as Go's math/big
 * has them: value = mantissa · 2^exponent.
 */
export type BigFloat = { readonly mantissa: bigint; readonly exponent: bigint };

export const bigFloat = (mantissa: bigint, exponent = 0n): BigFloat => ({ mantissa, exponent });

/** The exact value of a finite double that is not negative. */
export function fromDouble(value: number): BigFloat {
  let exponent = 0n;
  let mantissa = value;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent -= 1n;
  }
  return { mantissa: BigInt(mantissa), exponent };
}

export const multiply = (left: BigFloat, right: BigFloat, precision: number): BigFloat =>
  rounded({ mantissa: left.mantissa * right.mantissa, exponent: left.exponent + right.exponent }, precision);

export function add(left: BigFloat, right: BigFloat, precision: number): BigFloat {
  const [coarse, fine] = left.exponent > right.exponent ? [left, right] : [right, left];
  const aligned = coarse.mantissa << (coarse.exponent - fine.exponent);
  return rounded({ mantissa: aligned + fine.mantissa, exponent: fine.exponent }, precision);
}

/** 1 − value, exactly, for a value of at most 1 with a negative exponent. */
export const complement = ({ mantissa, exponent }: BigFloat): BigFloat => ({
  mantissa: (1n << -exponent) - mantissa,
  exponent,
});

/** The integer part. */
export const truncate = ({ mantissa, exponent }: BigFloat): bigint =>
  exponent >= 0n ? mantissa << exponent : mantissa >> -exponent;

function rounded(exact: BigFloat, precision: number): BigFloat {
  const surplus = exact.mantissa.toString(2).length - precision;
  if (surplus <= 0) return exact;
  const cut = BigInt(surplus);
  const half = 1n << (cut - 1n);
  const kept = exact.mantissa >> cut;
  const rest = exact.mantissa - (kept << cut);
  const up = rest > half || (rest === half && kept % 2n === 1n);
  return { mantissa: up ? kept + 1n : kept, exponent: exact.exponent + cut };
}
