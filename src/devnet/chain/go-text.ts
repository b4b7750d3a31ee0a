const NANOS_PER_SECOND = 1_000_000_000n;

/** A UTC time as Go prints it: "2026-11-23 21:17:06.646924781 +0000 UTC", without trailing zeros of the fraction. */
export function goTimeText(ns: bigint): string {
  const whole = new Date(Number(ns / NANOS_PER_SECOND) * 1000).toISOString();
  const fraction = (ns % NANOS_PER_SECOND).toString().padStart(9, "0").replace(/0+$/, "");
  const seconds = `${whole.slice(0, 10)} ${whole.slice(11, 19)}`;
  return `${seconds}${fraction === "" ? "" : `.${fraction}`} +0000 UTC`;
}
