import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

/** A file's text; undefined when it cannot be read. */
type Read = (path: string) => string | undefined;

const MOUNT = "/sys/fs/cgroup";

/**
 * Threads that this process may run at once: the machine's, or those it is bound to, and no more than the CPU quota of its control groups
 * allows, a container's or a service's. A part of a core counts as none, but there is always one. Node 20 itself knows of no quota.
 */
export function availableCores(read: Read = textOf, threads: number = availableParallelism()): number {
  const quotas = [...quotasOfV2(read), ...quotasOfV1(read)];
  return Math.max(1, Math.floor(Math.min(threads, ...quotas)));
}

/** cgroup v2: `cpu.max` is "200000 100000", or "max 100000" (Linux, admin-guide/cgroup-v2). */
function quotasOfV2(read: Read): number[] {
  const group = groupsOf(read).find(({ number }) => number === "0");
  return foldersOf(group?.path).flatMap((folder) => {
    const [quota, period] = (read(join(MOUNT, folder, "cpu.max")) ?? "").split(/\s+/);
    return cores(quota, period);
  });
}

/** cgroup v1: two files, and a quota of -1 is none (Linux, scheduler/sched-bwc). */
function quotasOfV1(read: Read): number[] {
  const group = groupsOf(read).find(({ controllers }) => controllers.includes("cpu"));
  if (group === undefined) return [];
  return foldersOf(group.path).flatMap((folder) => {
    const file = (name: string) => read(join(MOUNT, "cpu", folder, name));
    return cores(file("cpu.cfs_quota_us"), file("cpu.cfs_period_us"));
  });
}

function cores(quota: string | undefined, period: string | undefined): number[] {
  const [spent, each] = [Number(quota), Number(period)];
  return spent > 0 && each > 0 ? [spent / each] : [];
}

type Group = { readonly number: string; readonly controllers: readonly string[]; readonly path: string };

/** Lines such as `0::/system.slice/relayminer.service` and `4:cpu,cpuacct:/docker/ab12`. */
const groupsOf = (read: Read): Group[] =>
  (read("/proc/self/cgroup") ?? "").split("\n").flatMap((line) => {
    const [, number = "", controllers = "", path = ""] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    return number === "" ? [] : [{ number, controllers: controllers.split(","), path }];
  });

/** A group's folder and those above it, each of which may have a quota. In a container the path may be the host's, and only the root is there. */
function foldersOf(path = "/"): string[] {
  if (path === "/" || path.includes("..")) return ["/"];
  return [path, ...foldersOf(dirname(path))];
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
