/** The highest of some numbers; 0 without any. */
export const highest = (values: readonly bigint[]): bigint =>
  values.reduce((high, value) => {
    if (value > high) return value;
    return high;
  }, 0n);
