import { describe, expect, test } from "vitest";
import { EMPTY } from "../../base/bytes.ts";
import { type RelayRequestMetadata, RelayResponse } from "../proto/service.ts";
import type { SessionHeader } from "../proto/session.ts";
import { requestProblem, responseProblem, sessionHeaderProblem } from "./validate.ts";

const HEADER: SessionHeader = {
  applicationAddress: "pokt1v549fccp7yss32scn3vrdrkvjgkvvee2g622ap",
  serviceId: "vector-svc",
  sessionId: "f246373c5bff687eb30ec7809471107a4639a86b5533cb65dad9ed8fedb711b4",
  sessionStartBlockHeight: 61n,
  sessionEndBlockHeight: 120n,
};

describe("a session header", () => {
  test("as clients send it is valid", () => {
    expect(sessionHeaderProblem(HEADER)).toBeUndefined();
    expect(sessionHeaderProblem({ ...HEADER, sessionStartBlockHeight: 1n })).toBeUndefined();
    expect(sessionHeaderProblem({ ...HEADER, serviceId: "a".repeat(42) })).toBeUndefined();
  });

  test.each<[string, Partial<SessionHeader>]>([
    ["application address", { applicationAddress: "cosmos1v549fccp7yss32scn3vrdrkvjgkvvee2g622ap" }],
    ["session id", { sessionId: "" }],
    ["service id", { serviceId: "" }],
    ["service id", { serviceId: "a".repeat(43) }],
    ["service id", { serviceId: "vector-svc\n" }],
    ["start height", { sessionStartBlockHeight: 0n }],
    ["start height", { sessionStartBlockHeight: -61n }],
    ["end height", { sessionEndBlockHeight: 61n }],
    ["end height", { sessionEndBlockHeight: 60n }],
  ])("with a bad %s is named so: %o", (name, change) => {
    expect(sessionHeaderProblem({ ...HEADER, ...change })).toContain(name);
  });

  test("must be there", () => {
    expect(sessionHeaderProblem(undefined)).toContain("session header");
  });
});

test("a request needs a signature and a supplier, whose form does not matter here", () => {
  const meta = { sessionHeader: HEADER, signature: Uint8Array.of(1), supplierOperatorAddress: "anyone" };
  const problem = (change: Partial<RelayRequestMetadata>) =>
    requestProblem({ meta: { ...meta, ...change }, payload: EMPTY });
  expect(problem({})).toBeUndefined();
  expect(problem({ signature: EMPTY })).toContain("signature");
  expect(problem({ supplierOperatorAddress: "" })).toContain("supplier");
  expect(problem({ sessionHeader: { ...HEADER, sessionId: "" } })).toContain("session id");
});

test("a response needs a header and a signature", () => {
  const meta = { sessionHeader: HEADER, supplierOperatorSignature: Uint8Array.of(1) };
  expect(responseProblem(RelayResponse.create({ meta }))).toBeUndefined();
  const unsigned = { ...meta, supplierOperatorSignature: EMPTY };
  expect(responseProblem(RelayResponse.create({ meta: unsigned }))).toContain("signature");
  expect(responseProblem(RelayResponse.create())).toContain("session header");
});
