import { describe, expect, test } from "vitest";
import { SharedParams } from "../proto/shared.ts";
import { sendPhase, submissionWindow } from "./submission-window.ts";

const params = (claimBlocks: bigint) =>
  SharedParams.create({
    numBlocksPerSession: 10n,
    claimWindowOpenOffsetBlocks: 1n,
    claimWindowCloseOffsetBlocks: claimBlocks,
    proofWindowCloseOffsetBlocks: 4n,
  });

describe("when to send", () => {
  test("from the window's first block on, until the last one is next", () => {
    const window = submissionWindow("claim", params(4n), 110n);
    expect(window).toMatchObject({
      open: 112n,
      close: 116n,
      firstSend: 112n,
      lastSend: 115n,
      simulates: true,
    });
    expect([111n, 112n, 115n, 116n].map((height) => sendPhase(window, height))).toEqual([
      "early",
      "open",
      "open",
      "closed",
    ]);
    expect(submissionWindow("proof", params(4n), 110n)).toMatchObject({ open: 116n, close: 120n });
  });

  test("a window of one block is sent into from the block before it, without a simulation", () => {
    const window = submissionWindow("claim", params(0n), 110n);
    expect(window).toMatchObject({ open: 112n, close: 112n, firstSend: 111n, simulates: false });
    expect([110n, 111n, 112n].map((height) => sendPhase(window, height))).toEqual([
      "early",
      "open",
      "closed",
    ]);
  });
});
