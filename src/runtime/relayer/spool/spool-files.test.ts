import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../base/clock.ts";
import { HEAD_BYTES, MAGIC } from "./frames.ts";
import { SpoolFiles } from "./spool-files.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "relayminer-spool-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const opened = (maxBytes = 64 * 1_048_576, at = directory) =>
  SpoolFiles.open({ directory: at, maxBytes, clock: systemClock });
const text = (value: string, length = value.length) => Buffer.from(value.padEnd(length, "."));

async function readAll(files: SpoolFiles): Promise<string[]> {
  const all: string[] = [];
  for (const segment of files.segments)
    for (let from = 0; from < segment.bytes; ) {
      const { entries, next, torn } = await files.read(segment, from, 1_000);
      all.push(...entries.map((entry) => entry.toString().replace(/\.+$/, "")));
      if (torn) break;
      from = next;
    }
  return all;
}

test("entries are read in the order in which they came, by the next process, too, from files that only their owner may read", async () => {
  const files = await opened();
  const names = Array.from({ length: 1_000 }, (_, index) => `relay ${index}`);
  await Promise.all(names.map((name) => files.append(text(name))));
  expect(files.relays).toBe(1_000);
  expect(await readAll(files)).toEqual(names);
  await files.close();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);

  const later = await opened();
  expect(later.relays).toBe(1_000);
  expect(await readAll(later)).toEqual(names);
  await later.append(text("one more"));
  expect((await readAll(later)).at(-1)).toBe("one more");
  await later.close();
});

test("an entry larger than what is read at once, and files of several megabytes, come back whole", async () => {
  const files = await opened();
  const sizes = [10, 3_000_000, 20, 5_500_000, 30, 40];
  for (const [index, size] of sizes.entries()) await files.append(text(`relay ${index}`, size));
  expect(files.segments.length).toBe(2);
  expect(await readAll(files)).toEqual(sizes.map((_, index) => `relay ${index}`));
  await files.close();
});

test("a tail that was not written whole ends a file; what stands before it is read", async () => {
  const files = await opened();
  for (const name of ["a", "b", "c"]) await files.append(text(name, 100));
  await files.close();
  const [name = ""] = readdirSync(directory);
  const whole = MAGIC.length + 3 * (HEAD_BYTES + 100);
  for (const cut of [1, 99, 100, 104, 107]) {
    truncateSync(join(directory, name), whole - cut);
    const later = await opened();
    expect(await readAll(later), `${cut} bytes less`).toEqual(["a", "b"]);
    expect(later.relays).toBe(2);
    await later.close();
  }
  // A power failure may leave the length of a file and no bytes.
  truncateSync(join(directory, name), whole + 4_096);
  const later = await opened();
  expect(await readAll(later)).toEqual(["a", "b"]);
  await later.close();
});

test("an entry with a wrong checksum is left out and counted, and the ones behind it are read", async () => {
  const files = await opened();
  for (const name of ["a", "b", "c"]) await files.append(text(name, 100));
  await files.close();
  const [name = ""] = readdirSync(directory);
  const file = await open(join(directory, name), "r+");
  await file.write(Buffer.from("X"), 0, 1, MAGIC.length + HEAD_BYTES + 100 + HEAD_BYTES + 50);
  await file.close();
  const later = await opened();
  const [segment] = later.segments;
  if (segment === undefined) throw new Error("there is no segment");
  expect((await later.read(segment, 0, 100)).damaged).toBe(1);
  expect(await readAll(later)).toEqual(["a", "c"]);
  await later.close();
});

test("what has no room is refused, with what is on its way to the disk counted", async () => {
  const files = await opened(10_000);
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => files.append(text("x", 992))));
  const refused = results.filter(({ status }) => status === "rejected");
  expect(results.length - refused.length).toBe(10);
  for (const result of refused) expect(result).toMatchObject({ reason: { code: "SPOOL_FULL" } });
  expect(files.problem).toBe("it has no room left");
  const [segment] = files.segments;
  if (segment === undefined) throw new Error("there is no segment");
  expect(await files.seal(segment)).toBe(true);
  await files.remove(segment);
  expect(files.problem).toBeUndefined();
  await files.append(text("y"));
  await files.close();
});

test("a disk that fails is told to those who wait, and is used again when it works", async () => {
  const files = await opened();
  await files.append(text("a"));
  const [segment] = files.segments;
  if (segment === undefined) throw new Error("there is no segment");
  await files.seal(segment);
  rmSync(directory, { recursive: true });
  await expect(files.append(text("b"))).rejects.toMatchObject({ code: "SPOOL_FAILED" });
  expect(files.problem).toMatch(/ENOENT/);
  await systemClock.sleep(1_050);
  await (await opened()).close();
  await files.append(text("c"));
  expect(files.problem).toBeUndefined();
  await files.close();
});

test("the files of a directory whose process is gone are taken over", async () => {
  const gone = await opened(undefined, join(directory, "1"));
  await gone.append(text("left"));
  await gone.close();
  const files = await opened(undefined, join(directory, "2"));
  await files.append(text("own"));
  expect(await files.adopt(join(directory, "1"))).toBe(1);
  expect(await readAll(files)).toEqual(["own", "left"]);
  expect(readdirSync(join(directory, "1"))).toEqual([]);
  await files.append(text("later"));
  expect(await readAll(files)).toEqual(["own", "left", "later"].toSorted(byPlace));
  await files.close();
});

/** What was being written goes on in its file. */
const byPlace = (left: string, right: string) =>
  ["own", "later", "left"].indexOf(left) - ["own", "later", "left"].indexOf(right);

test("a file of another kind is left alone", async () => {
  writeFileSync(join(directory, "00000001.spool"), "something else entirely");
  writeFileSync(join(directory, "notes.txt"), "mine");
  const files = await opened();
  expect(files.relays).toBe(0);
  await files.append(text("a"));
  expect(await readAll(files)).toEqual(["a"]);
  await files.close();
  expect(readdirSync(directory).sort()).toEqual(["00000001.spool.damaged", "00000002.spool", "notes.txt"]);
});
