import { expect, test } from "vitest";
import { parseEventQuery } from "./event-query.ts";

const EVENTS = { "tm.event": ["Tx"], "tx.height": ["423"], "coin.amount": ["1upokt", "20upokt"] };

test.each([
  ["tm.event='Tx'", true],
  ["tm.event = 'Tx' AND tx.height=423", true],
  ["tm.event='Tx' AND tx.height>423", false],
  ["tx.height>=423 AND tx.height<=423 AND tx.height<424 AND tx.height>422", true],
  ["coin.amount='20upokt'", true],
  ["coin.amount CONTAINS 'upokt'", true],
  ["coin.amount EXISTS", true],
  ["coin.other EXISTS", false],
  ["coin.other='x'", false],
  ["tx.height>'423'", false],
])("%s", (query, matches) => {
  expect(parseEventQuery(query)(EVENTS)).toBe(matches);
});

test.each(["", "tm.event", "tm.event=", "tm.event='Tx' OR a='b'", "tm.event='Tx' AND", "='Tx'", "a=')", '"'])(
  "%s is no query",
  (query) => {
    expect(() => parseEventQuery(query)).toThrow(
      expect.objectContaining({
        code: -32603,
        data: expect.stringMatching(/^failed to parse query: offset \d+: /),
      }),
    );
  },
);
