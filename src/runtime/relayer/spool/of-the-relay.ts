import { AppError } from "../../../base/errors.ts";

/** What Redis says of one stream, whatever it says of the others. */
const KINDS = new Set(["WRONGTYPE", "NOPERM", "ERR"]);

/** Whether this relay was refused while Redis takes others: to try again would change nothing. */
export function isOfTheRelay(thrown: unknown): boolean {
  if (!(thrown instanceof AppError)) return false;
  if (thrown.code === "REDIS_REFUSED") return KINDS.has(String(thrown.fields["kind"]));
  return thrown.code !== "REDIS_UNREACHABLE" && thrown.code !== "REDIS_TIMEOUT";
}
