import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { availableCores } from "./cores.ts";

const machine = (files: Readonly<Record<string, string>>, threads = 64) =>
  availableCores((path) => files[path], threads);

const V1 = (path: string, folders: Readonly<Record<string, number>>) => {
  const files: Record<string, string> = { "/proc/self/cgroup": `5:cpu,cpuacct:${path}\n1:name=systemd:/\n` };
  for (const [folder, quota] of Object.entries(folders)) {
    files[`/sys/fs/cgroup/cpu${folder}/cpu.cfs_quota_us`] = `${quota}\n`;
    files[`/sys/fs/cgroup/cpu${folder}/cpu.cfs_period_us`] = "100000\n";
  }
  return files;
};

test("this machine has at least one core, and no more than it says", () => {
  expect(availableCores()).toBeGreaterThanOrEqual(1);
  expect(availableCores()).toBeLessThanOrEqual(availableParallelism());
});

test("without control groups all threads count, and what is no quota is none", () => {
  expect(machine({})).toBe(64);
  expect(machine({ "/proc/self/cgroup": "nonsense\n::\n" })).toBe(64);
  for (const max of ["max 100000", "", "0 100000", "-1 100000", "many few", "100000 0"])
    expect(machine({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": `${max}\n` })).toBe(64);
});

test.each([
  ["200000 100000", 2],
  ["250000 100000", 2],
  ["50000 100000", 1],
  ["9000000 100000", 64],
])("a container with cpu.max %s has %i", (max, expected) => {
  expect(machine({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": `${max}\n` })).toBe(expected);
});

test("a service has no more than any group above it allows", () => {
  const files = {
    "/proc/self/cgroup": "0::/system.slice/relayminer.service\n",
    "/sys/fs/cgroup/system.slice/relayminer.service/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
  };
  expect(machine(files)).toBe(3);
  expect(machine({ ...files, "/sys/fs/cgroup/cpu.max": "200000 100000\n" })).toBe(2);
});

test("a group outside of what is mounted is looked up at the root", () => {
  const root = "/sys/fs/cgroup/cpu.max";
  expect(machine({ "/proc/self/cgroup": "0::/../other\n", [root]: "400000 100000\n" })).toBe(4);
});

test("control groups of version 1: the group's own, and the root where the path is the host's", () => {
  expect(machine(V1("/a/b", { "/a/b": 300_000, "": -1 }))).toBe(3);
  expect(machine(V1("/a/b", { "/a": 200_000, "/a/b": -1 }))).toBe(2);
  expect(machine(V1("/docker/ab12", { "": 200_000 }))).toBe(2);
});
