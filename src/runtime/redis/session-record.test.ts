import { expect, test } from "vitest";
import { utf8 } from "../../base/bytes.ts";
import {
  decodeSession,
  encodeSession,
  isTerminal,
  SESSION_STATES,
  type SessionRecord,
} from "./session-record.ts";

const record: SessionRecord = {
  sessionId: "5e55",
  supplier: "pokt1supplier",
  serviceId: "svc",
  application: "pokt1app",
  startHeight: 11n,
  endHeight: 20n,
  state: "active",
  relayCount: 3n,
  computeUnits: 3000n,
  createdAt: 1_795_466_231_382_255_181n,
  updatedAt: 1_795_466_232_000_000_000n,
};

test("a record without outcome has the eleven fields of a new one, and what settlement adds comes back", () => {
  expect(encodeSession(record).size).toBe(11);
  const settled = { ...record, state: "proved", settlementHeight: 40n, settlementPaid: 180n } as const;
  expect(encodeSession(settled).size).toBe(13);
  for (const each of [record, settled]) expect(decodeSession(encodeSession(each))).toEqual(each);
});

test("a record that lacks a field, or has one that cannot be read, is refused; empty optional and unknown fields are not", () => {
  const fields = encodeSession(record);
  const without = new Map(fields);
  without.delete("session_end_height");
  for (const bad of [
    without,
    new Map([...fields, ["state", utf8("asleep")]]),
    new Map([...fields, ["relay_count", utf8("x")]]),
  ])
    expect(() => decodeSession(bad)).toThrow(expect.objectContaining({ code: "REDIS_BAD_VALUE" }));
  expect(decodeSession(new Map([...fields, ["claim_tx_hash", utf8("")], ["news", utf8("x")]]))).toEqual(
    record,
  );
});

test("twelve states, four of them open", () => {
  expect(SESSION_STATES).toHaveLength(12);
  expect(SESSION_STATES.filter((state) => !isTerminal(state))).toEqual([
    "active",
    "claiming",
    "claimed",
    "proving",
  ]);
});
