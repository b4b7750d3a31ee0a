import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../base/clock.ts";
import { lockSlot } from "./slot-lock.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "relayminer-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const lock = () => lockSlot(directory, systemClock);
const owner = () => join(directory, "owner");

test("a directory has one owner, and is free when that lets it go", async () => {
  const all = await Promise.all(Array.from({ length: 8 }, lock));
  const held = all.filter((one) => one !== undefined);
  expect(held.length).toBe(1);
  await held[0]?.confirm();
  expect(await lock()).toBeUndefined();
  await held[0]?.close();
  expect(existsSync(owner())).toBe(false);
  const next = await lock();
  expect(next).toBeDefined();
  await next?.close();
});

test("an owner that was killed is seen to be dead at once, and one that lives is not", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  const held = await lock();
  const record = JSON.parse(readFileSync(owner(), "utf8"));
  await held?.close();
  const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1");
  const startedAt = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  const of = (changes: object) =>
    JSON.stringify({ ...record, token: "theirs", pid: child.pid, startedAt, ...changes });
  writeFileSync(owner(), of({}));
  expect(await lock()).toBeUndefined();
  // The process id was given to another process since.
  writeFileSync(owner(), of({ startedAt: "1" }));
  const taken = await lock();
  expect(taken).toBeDefined();
  await taken?.close();
  writeFileSync(owner(), of({}));
  child.kill("SIGKILL");
  await once(child, "exit");
  const after = await lock();
  expect(after).toBeDefined();
  await after?.close();
});

test("an owner elsewhere is alive as long as it beats, and learns that it was taken for dead", async () => {
  const held = await lock();
  const record = JSON.parse(readFileSync(owner(), "utf8"));
  writeFileSync(owner(), JSON.stringify({ ...record, world: "another machine" }));
  expect(await lock()).toBeUndefined();
  const past = Date.now() / 1000 - 60;
  utimesSync(owner(), past, past);
  const taken = await lock();
  expect(taken).toBeDefined();
  await expect(held?.confirm()).rejects.toThrow("has taken");
  await held?.close();
  expect(existsSync(owner())).toBe(true);
  await taken?.confirm();
  await taken?.close();
});

test("an owner's file that says nothing is nobody's", async () => {
  writeFileSync(owner(), "");
  const held = await lock();
  expect(held).toBeDefined();
  await held?.close();
});
