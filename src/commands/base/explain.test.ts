import { expect, test } from "vitest";
import { AppError } from "../../base/errors.ts";
import { ERRORS, EXIT } from "../../runtime/ops/error-table.ts";
import { explain, fourLines } from "./explain.ts";

test("an expected failure is four lines: what and code, why, what to do, where documented", () => {
  const cause = new Error("connect ECONNREFUSED 127.0.0.1:6379");
  const error = new AppError(
    "REDIS_UNREACHABLE",
    "Redis cannot be reached at redis://127.0.0.1:6379",
    {},
    cause,
  );
  expect(fourLines(explain(error)).split("\n")).toEqual([
    "✖ Redis cannot be reached at redis://127.0.0.1:6379 (REDIS_UNREACHABLE)",
    "  connect ECONNREFUSED 127.0.0.1:6379",
    `  ${ERRORS.REDIS_UNREACHABLE.todo}`,
    "  docs/errors.md#redis_unreachable",
  ]);
  expect(explain(error).exit).toBe(EXIT.unreachable);
});

test("a thrower's own reason and remedy win over the table's", () => {
  const error = new AppError("CONFIG_INVALID", "relayer.yaml is not valid", {
    why: "line 3: servces",
    todo: "Did you mean services?",
  });
  expect(explain(error)).toMatchObject({ why: "line 3: servces", todo: "Did you mean services?", exit: 78 });
});

test("fields tell what message and causes do not", () => {
  const cause = new Error("connect ECONNREFUSED 127.0.0.1:9");
  const fields = { endpoint: "node-1:26657", method: "status", address: "127.0.0.1:9" };
  const error = new AppError("CHAIN_UNREACHABLE", "the node cannot be reached", fields, cause);
  expect(explain(error).why).toBe("connect ECONNREFUSED 127.0.0.1:9 (endpoint node-1:26657, method status)");
  expect(explain(new AppError("CHAIN_TIMEOUT", "late", { timeoutMs: 5 })).why).toBe("timeoutMs 5");
  expect(explain(new AppError("CHAIN_TIMEOUT", "late")).why).toBe("No further detail is known.");
});

test("what is no expected failure is a bug, whatever was thrown", () => {
  expect(explain(new TypeError("x is not a function"))).toMatchObject({ code: "UNEXPECTED", exit: EXIT.bug });
  expect(explain("text")).toMatchObject({ what: "text", exit: EXIT.bug });
});
