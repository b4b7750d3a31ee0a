import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SharedParams } from "../proto/shared.ts";
import { pendingSessions, proofSeedHeight, sessionAt, sessionWindows } from "./session-grid.ts";

const small = (max: bigint) => fc.bigInt({ min: 0n, max });

const params = fc
  .record({
    numBlocksPerSession: fc.bigInt({ min: 1n, max: 200n }),
    gracePeriodEndOffsetBlocks: small(20n),
    claimWindowOpenOffsetBlocks: small(20n),
    claimWindowCloseOffsetBlocks: small(20n),
    proofWindowOpenOffsetBlocks: small(20n),
    proofWindowCloseOffsetBlocks: small(20n),
    sessionGridAnchorHeight: small(5000n),
    sessionNumberAtAnchor: small(500n),
  })
  .map((fields) => SharedParams.create(fields));
const height = fc.bigInt({ min: 1n, max: 1_000_000n });

describe("the session grid", () => {
  test("a height lies in its session, and so does every other height of it", () => {
    fc.assert(
      fc.property(params, height, (grid, at) => {
        const session = sessionAt(grid, at);
        expect(session.start <= at && at <= session.end).toBe(true);
        expect(session.end - session.start + 1n).toBe(grid.numBlocksPerSession);
        expect(sessionAt(grid, session.start)).toEqual(session);
        // an anchor inside what would have been an older session cuts that one short
        if (session.end < grid.sessionGridAnchorHeight || session.start >= grid.sessionGridAnchorHeight)
          expect(sessionAt(grid, session.end).number - session.number).toBe(0n);
      }),
    );
  });

  test("on one side of the anchor the next session follows without a gap", () => {
    fc.assert(
      fc.property(params, height, (grid, at) => {
        const session = sessionAt(grid, at);
        fc.pre(at >= grid.sessionGridAnchorHeight || session.end + 1n < grid.sessionGridAnchorHeight);
        const next = sessionAt(grid, session.end + 1n);
        expect(next.start).toBe(session.end + 1n);
        expect(next.number).toBe(session.number + 1n);
      }),
    );
  });

  test("the anchor begins the session of its number", () => {
    const grid = SharedParams.create({
      numBlocksPerSession: 12n,
      sessionGridAnchorHeight: 761n,
      sessionNumberAtAnchor: 77n,
    });
    expect(sessionAt(grid, 761n)).toEqual({ number: 77n, start: 761n, end: 772n });
    expect(sessionAt(grid, 773n).number).toBe(78n);
    expect(sessionAt(grid, 760n)).toEqual({ number: 64n, start: 757n, end: 768n });
  });

  test.each([0n, 1n << 63n])("a session length of %d is refused", (numBlocksPerSession) => {
    expect(() => sessionAt(SharedParams.create({ numBlocksPerSession }), 5n)).toThrow(
      expect.objectContaining({ code: "PARAMS_INVALID" }),
    );
  });
});

describe("windows", () => {
  test("follow one another, end in settlement, and are the same for every height of the session", () => {
    fc.assert(
      fc.property(params, height, (offsets, at) => {
        const { start, end } = sessionAt(offsets, at);
        const windows = sessionWindows(offsets, at);
        const { claimOpen, claimClose, proofOpen, proofClose } = windows;
        expect(end < claimOpen && claimOpen <= claimClose).toBe(true);
        expect(claimClose <= proofOpen && proofOpen <= proofClose).toBe(true);
        expect(windows.settle).toBe(proofClose);
        expect(proofSeedHeight(offsets, at)).toBe(proofOpen - 1n);
        expect(sessionWindows(offsets, start)).toEqual(windows);
      }),
    );
  });

  test("pending sessions cover the blocks to the proof window's close, with less than one to spare", () => {
    fc.assert(
      fc.property(params, height, (offsets, at) => {
        const { end } = sessionAt(offsets, at);
        const blocks = sessionWindows(offsets, at).proofClose - end - 1n;
        const spare = pendingSessions(offsets) * offsets.numBlocksPerSession - blocks;
        expect(spare >= 0n && spare < offsets.numBlocksPerSession).toBe(true);
      }),
    );
  });
});
