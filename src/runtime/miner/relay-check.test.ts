import { expect, test } from "vitest";
import { MinedRelayMessage } from "../../chain/proto/mined-relay.ts";
import { inBatches } from "./relay-check.ts";

const relaysOf = (...lengths: readonly number[]) =>
  lengths.map((length, index) => ({
    id: `${index}-0`,
    message: MinedRelayMessage.create({ relayBytes: new Uint8Array(length) }),
  }));

test.each([
  { lengths: [], expected: [] },
  { lengths: [1, 1, 1, 1, 1], expected: [["0-0", "1-0"], ["2-0", "3-0"], ["4-0"]] },
  { lengths: [60, 40, 1], expected: [["0-0", "1-0"], ["2-0"]] },
  { lengths: [60, 41, 59], expected: [["0-0"], ["1-0", "2-0"]] },
  { lengths: [101, 1, 200, 300], expected: [["0-0"], ["1-0"], ["2-0"], ["3-0"]] },
])("batches of at most 2 relays and 100 bytes: $lengths", ({ lengths, expected }) => {
  const batches = inBatches(relaysOf(...lengths), 2, 100);
  expect(batches.map((batch) => batch.map(({ id }) => id))).toEqual(expected);
});
