import { expect, test } from "vitest";
import { signersOf, spoiled } from "../../../../test/kit/verify-jobs.ts";
import { systemClock } from "../../../base/clock.ts";
import { ringVerifiers } from "../../../chain/protocol/ring/curve-verifier.ts";
import { fastestCurve } from "../../../chain/protocol/ring/fastest-curve.ts";
import { encodeBatch } from "./batch.ts";
import { openPoolVerifiers } from "./verifiers.ts";
import { FIRST_REFUSAL, UNKNOWN_RING, VALID, WorkerDesk } from "./worker-desk.ts";

const [one, two] = [signersOf("one"), signersOf("two")];
const rings = [one, two].map(({ ring, account }, id) => ({ id, ring, account }));

test("each job has the verdict that the plain verifier gives, also where its ring came with an earlier batch", () => {
  const desk = new WorkerDesk(openPoolVerifiers({ megabytes: 64, tables: "small" }, systemClock.monotonic));
  const plain = ringVerifiers(fastestCurve).atDoor;
  for (let turn = 0; turn < 4; turn++) {
    const jobs = Array.from({ length: 20 }, (_, index) => {
      const [signers, other] = index % 2 === 0 ? [one, two] : [two, one];
      const good = signers.sign(`${turn}/${index}`);
      const { digest, signature, ring } =
        index % 3 === 0 ? spoiled(good, 37 * index + turn, other.ring) : good;
      return { ringId: ring === one.ring ? 0 : 1, digest, signature, ring };
    });
    const { verdicts, reasons, counts } = desk.answer(encodeBatch({ rings: turn === 0 ? rings : [], jobs }));
    for (const [index, { ring, digest, signature }] of jobs.entries()) {
      const byte = verdicts[index] ?? UNKNOWN_RING;
      const verdict = byte === VALID ? { ok: true } : { ok: false, reason: reasons[byte - FIRST_REFUSAL] };
      expect(verdict).toEqual(plain(ring, digest, signature));
    }
    expect(counts?.tables).toBeGreaterThan(0);
  }
});

test("a job whose ring is not there is told apart from a bad one", () => {
  const desk = new WorkerDesk(
    openPoolVerifiers({ megabytes: 64, tables: "small" }, systemClock.monotonic),
    1,
  );
  const jobs = [one, two].map((signers, ringId) => ({ ringId, ...signers.sign("x") }));
  expect([...desk.answer(encodeBatch({ rings: [], jobs })).verdicts]).toEqual([UNKNOWN_RING, UNKNOWN_RING]);
  // room for one: the second ring took the first one's place
  expect([...desk.answer(encodeBatch({ rings, jobs })).verdicts]).toEqual([UNKNOWN_RING, VALID]);
});
