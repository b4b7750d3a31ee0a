/** Medians, quantiles and rounding, for every figure of the bench. */

export const median = (list) => quantile(list, 0.5);

/** Nearest rank; undefined for an empty list. */
export function quantile(list, part) {
  const sorted = list.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

export const round3 = (number) => Math.round(number * 1000) / 1000;

/** Smallest, median and largest of what was measured, with its unit. */
export const figure = (unit, list) => ({
  unit,
  min: round3(Math.min(...list)),
  median: round3(median(list)),
  max: round3(Math.max(...list)),
});
