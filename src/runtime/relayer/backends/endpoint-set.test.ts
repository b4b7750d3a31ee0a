import { expect, test } from "vitest";
import type { Clock } from "../../../base/clock.ts";
import type { BackendConfig } from "../../config/backends.ts";
import { EndpointSet, type EndpointState } from "./endpoint-set.ts";
import { endpointOf } from "./target.ts";

type Over = Partial<Pick<BackendConfig, "load_balancing" | "recovery_timeout_seconds" | "health_check">>;

/** A set of endpoints a, b, c … with a clock that the test moves. */
function setOf(count: number, over: Over = {}) {
  let now = 0;
  const clock = { monotonic: () => now } as Clock;
  const wired = ["a", "b", "c", "d"]
    .slice(0, count)
    .map((name) => ({ endpoint: endpointOf(name, `http://${name}`, undefined) }));
  const changes: string[] = [];
  const onChange = ({ name, phase }: EndpointState, before: string) =>
    changes.push(`${name} ${before}>${phase}`);
  const config = { headers: {}, endpoints: [], ...over } as unknown as BackendConfig;
  const set = new EndpointSet(wired, config, { service: "eth", clock, onChange });
  const named = (name: string) => {
    const found = wired.find(({ endpoint }) => endpoint.name === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  return {
    set,
    changes,
    named,
    pass: (ms: number) => {
      now += ms;
    },
    pick: (times: number) => Array.from({ length: times }, () => set.choose().endpoint.name).join(""),
    fault: (name: string, times = 1) => {
      for (let each = 0; each < times; each++) set.report(named(name), "server_fault");
    },
    phases: () => set.states().map(({ phase }) => phase),
  };
}

test("several take turns, unless the first one that is well is wanted", () => {
  expect(setOf(3).pick(6)).toBe("abcabc");
  expect(setOf(3, { load_balancing: "round_robin" }).pick(4)).toBe("abca");
  expect(setOf(3, { load_balancing: "first_healthy" }).pick(3)).toBe("aaa");
  expect(setOf(1).pick(2)).toBe("aa");
});

test("five server faults in a row eject one, and requests go to the others", () => {
  const { fault, pick, phases, changes } = setOf(3);
  fault("b", 4);
  expect(phases()).toEqual(["up", "up", "up"]);
  fault("b");
  expect(phases()).toEqual(["up", "ejected", "up"]);
  expect(pick(4)).toBe("acac");
  expect(changes).toEqual(["b up>ejected"]);
});

test("tells over how many requests are spread: those that are well, or all that checks leave", () => {
  const { set, fault, named } = setOf(3);
  const check = (name: string, how: "up" | "down") => set.checked(named(name), how, "");
  expect(set.spread).toBe(3);
  fault("a", 5);
  expect(set.spread).toBe(2);
  check("b", "down");
  expect(set.spread).toBe(1);
  // Only a is left, which the breaker holds out.
  check("c", "down");
  expect(set.spread).toBe(1);
  check("a", "down");
  expect(set.spread).toBe(0);
  check("b", "up");
  check("c", "up");
  expect(set.spread).toBe(2);
});

test("with first_healthy requests are not spread, however many are well", () => {
  const { set, named } = setOf(3, { load_balancing: "first_healthy" });
  expect(set.spread).toBe(1);
  for (const name of ["a", "b", "c"]) set.checked(named(name), "down", "");
  expect(set.spread).toBe(0);
});

test("with first_healthy the next one takes over and gives back", () => {
  const { set, named, fault, pick, pass } = setOf(2, { load_balancing: "first_healthy" });
  fault("a", 5);
  expect(pick(2)).toBe("bb");
  pass(30_000);
  expect(pick(2)).toBe("ab");
  set.report(named("a"), "answered");
  expect(pick(2)).toBe("aa");
});

test("an answer ends a series of faults; what is late or called off neither ends it nor counts", () => {
  const { set, named, fault, phases } = setOf(2);
  fault("a", 4);
  set.report(named("a"), "answered");
  fault("a", 4);
  for (let each = 0; each < 20; each++) set.report(named("a"), "other");
  expect(phases()).toEqual(["up", "up"]);
  fault("a");
  expect(phases()).toEqual(["ejected", "up"]);
});

test("the threshold is health_check.unhealthy_threshold where it is given, also without checks", () => {
  const health_check = { unhealthy_threshold: 2 } as BackendConfig["health_check"];
  const { fault, phases } = setOf(2, { health_check });
  fault("a", 2);
  expect(phases()).toEqual(["ejected", "up"]);
});

test("the last one that is well is never ejected, whatever it does", () => {
  const one = setOf(1);
  one.fault("a", 100);
  expect(one.phases()).toEqual(["up"]);
  const three = setOf(3);
  for (const name of ["a", "b", "c"]) three.fault(name, 50);
  expect(three.phases()).toEqual(["ejected", "ejected", "up"]);
  expect(three.pick(2)).toBe("cc");
});

test("the last one is ejected at its next fault when another has come back", () => {
  const { set, named, fault, pass, phases } = setOf(2);
  fault("a", 5);
  fault("b", 9);
  pass(30_000);
  expect(set.choose().endpoint.name).toBe("a");
  fault("b");
  expect(phases()).toEqual(["probing", "up"]);
  set.report(named("a"), "answered");
  fault("b");
  expect(phases()).toEqual(["up", "ejected"]);
});

test("after the recovery time one request tries, and only one; its answer brings the endpoint back", () => {
  const { set, named, fault, pass, pick, changes } = setOf(2);
  fault("a", 5);
  pass(29_999);
  expect(pick(2)).toBe("bb");
  pass(1);
  expect(pick(4)).toBe("abbb");
  set.report(named("a"), "answered");
  expect(pick(2)).toBe("ab");
  expect(changes).toEqual(["a up>ejected", "a ejected>probing", "a probing>up"]);
});

test("a probe that fails waits the whole time again; one that tells nothing is repeated soon", () => {
  const { set, named, fault, pass, pick, phases } = setOf(2);
  fault("a", 5);
  pass(30_000);
  expect(pick(1)).toBe("a");
  fault("a");
  expect(phases()).toEqual(["ejected", "up"]);
  pass(29_999);
  expect(pick(2)).toBe("bb");
  pass(1);
  expect(pick(1)).toBe("a");
  set.report(named("a"), "other");
  expect(phases()).toEqual(["ejected", "up"]);
  pass(1_000);
  expect(pick(2)).toBe("ba");
});

test("answers to requests from before it was ejected do not bring an endpoint back", () => {
  const { set, named, fault, phases } = setOf(2);
  fault("a", 5);
  set.report(named("a"), "answered");
  expect(phases()).toEqual(["ejected", "up"]);
});

test("the recovery time is the configured one, and with 0 nothing is ejected", () => {
  const quick = setOf(2, { recovery_timeout_seconds: 2 });
  quick.fault("a", 5);
  quick.pass(2_000);
  expect(quick.pick(1)).toBe("a");
  const never = setOf(2, { recovery_timeout_seconds: 0 });
  never.fault("a", 50);
  expect(never.phases()).toEqual(["up", "up"]);
});

test("what checks took out is not used; when they took out all, there is none", () => {
  const { set, named, pick, changes } = setOf(2);
  set.checked(named("a"), "down", "");
  set.checked(named("a"), "down", "");
  expect(pick(2)).toBe("bb");
  expect(set.hasAny).toBe(true);
  set.checked(named("b"), "down", "");
  expect(set.hasAny).toBe(false);
  expect(() => set.choose()).toThrow(
    expect.objectContaining({
      code: "backend_down",
      status: 503,
      message: "service temporarily unavailable",
      told: { service: "eth" },
    }),
  );
  set.checked(named("a"), "up", "");
  expect(pick(1)).toBe("a");
  expect(changes).toEqual(["a up>down", "b up>down", "a down>up"]);
});

test("what the breaker held out is used when checks took out the rest", () => {
  const { set, named, fault, pick, phases } = setOf(2);
  fault("a", 5);
  set.checked(named("b"), "down", "");
  expect(pick(3)).toBe("aaa");
  set.report(named("a"), "answered");
  expect(phases()).toEqual(["up", "down"]);
});

test("another try goes to one that was not tried, and nowhere when there is none that is well", () => {
  const { set, named, fault } = setOf(3);
  const [a, b, c] = ["a", "b", "c"].map(named);
  expect(set.choose([a, b] as never)).toBe(c);
  expect(set.next([a, b, c] as never)).toBeUndefined();
  fault("c", 5);
  expect(set.next([a, b] as never)).toBeUndefined();
});

test("only a free one: in turn the others are looked at, with first_healthy the first is waited for", () => {
  const isFree = ({ endpoint }: { endpoint: { name: string } }) => endpoint.name !== "a";
  expect(setOf(2).set.next([], isFree)?.endpoint.name).toBe("b");
  expect(setOf(2, { load_balancing: "first_healthy" }).set.next([], isFree)).toBeUndefined();
  expect(setOf(1).set.next([], isFree)).toBeUndefined();
});
