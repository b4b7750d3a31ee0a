import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { manualClock } from "../../../../test/kit/manual-clock.ts";
import { PoktHttpResponse } from "../../../chain/proto/http-envelope.ts";
import type { RelayLeaf } from "../../../chain/protocol/relay-answer.ts";
import type { BodyReader } from "../backends/backend.ts";
import { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";
import { RelayStream, type StreamBounds } from "./streaming.ts";

const BOUNDS: StreamBounds = {
  totalMs: 60_000,
  atTimeLimit: "break_off",
  idleMs: 5_000,
  maxLineBytes: 4_096,
  maxMegabytes: 1,
  slowClientMs: 2_000,
};

/** A stream between a backend and a client that do as they are told. */
function world(over: Partial<StreamBounds> = {}) {
  const clock = manualClock();
  const client = new Presence();
  const told: string[] = [];
  const got: string[] = [];
  const state: {
    reader: BodyReader | undefined;
    drained: (() => void) | undefined;
    hasRoom: boolean;
    store: (leaf: RelayLeaf) => Promise<void>;
  } = { reader: undefined, drained: undefined, hasRoom: true, store: async () => void told.push("stored") };
  const stream = new RelayStream({
    answer: {
      status: 200,
      headers: [],
      body: {
        read: (reader) => {
          state.reader = reader;
        },
        pause: () => void told.push("pause"),
        resume: () => void told.push("resume"),
        breakOff: () => void told.push("backend broken off"),
      },
    },
    exchange: {
      client,
      receivedAt: 0,
      stream: (status) => {
        told.push(`head ${status}`);
        return {
          write: (bytes) => {
            const payload = bytes.subarray(0, -15);
            got.push(Buffer.from(PoktHttpResponse.decode(payload).bodyBz).toString());
            return state.hasRoom;
          },
          whenDrained: (act) => {
            state.drained = act;
          },
          end: () => void told.push("end"),
          breakOff: () => void told.push("client broken off"),
        };
      },
    },
    bounds: { ...BOUNDS, ...over },
    signing: { part: (payload) => payload, leaf: (hash) => ({ relayBytes: hash, relayHash: hash }) },
    clock,
    onBatch: () => undefined,
    onOver: () => void told.push("over"),
  });
  const ended = stream.run((leaf) => state.store(leaf)).catch((thrown: unknown) => thrown);
  const say = (text: string) => state.reader?.chunk(Buffer.from(text));
  const end = (reject?: Reject) => state.reader?.over(reject);
  return { clock, client, stream, told, got, state, ended, say, end };
}

let w: ReturnType<typeof world>;
beforeEach(() => {
  w = world();
});

test("lines of a backend that falls silent go out a tenth of a second after the first of them", () => {
  w.say("a\nb");
  w.clock.advance(60);
  w.say("\nc");
  w.clock.advance(39);
  expect(w.got).toEqual([]);
  w.clock.advance(1);
  expect(w.got).toEqual(["a\nb\n"]);
  w.clock.advance(1_000);
  expect(w.got).toEqual(["a\nb\n"]);
});

test("what is mined is the hash of all lines; the last ones and the end wait until it is stored", async () => {
  const isStored = new Presence();
  w.state.store = () => new Promise((resolve) => isStored.whenGone(resolve));
  w.say("a\r\n");
  w.clock.advance(100);
  w.say("b\nc");
  w.end();
  await turn();
  expect(w.got).toEqual(["a\n"]);
  expect(w.told).toEqual(["head 200"]);
  isStored.leave();
  const leaf = (await w.ended) as RelayLeaf;
  expect(w.got).toEqual(["a\n", "b\nc\n"]);
  expect(w.told).toEqual(["head 200", "end", "over"]);
  expect(Buffer.from(leaf.relayHash)).toEqual(createHash("sha256").update("a\nb\nc\n").digest());
  expect(w.clock.timers()).toBe(0);
});

test("a relay that cannot be stored has no end: its client sees that, and not the last lines", async () => {
  w.state.store = async () => {
    throw new Reject("store_unavailable");
  };
  w.say("a\n");
  w.clock.advance(100);
  w.say("b\n");
  w.end();
  expect(await w.ended).toMatchObject({ code: "store_unavailable" });
  expect(w.got).toEqual(["a\n"]);
  expect(w.told).toEqual(["head 200", "client broken off", "over"]);
});

test("an answer without a line is none to stream, and nothing was sent of it", async () => {
  w.end();
  expect(await w.ended).toBeUndefined();
  expect(w.told).toEqual(["over"]);
  expect(w.stream.beganAt).toBeUndefined();
});

test("a backend that fails before the first batch leaves a client that can be refused", async () => {
  w.say("half a li");
  w.end(new Reject("backend_error"));
  expect(await w.ended).toMatchObject({ code: "backend_error" });
  expect(w.stream.beganAt).toBeUndefined();
  expect(w.got).toEqual([]);
});

describe("a stream breaks off, the backend is let go and nothing is stored", () => {
  const brokenOff = async (reason: string) => {
    expect(await w.ended).toMatchObject({ code: reason });
    expect(w.told).toContain("backend broken off");
    expect(w.told).toContain("client broken off");
    expect(w.told).not.toContain("stored");
    expect(w.told).not.toContain("end");
    expect(w.clock.timers()).toBe(0);
  };
  beforeEach(() => {
    w.say("a\n");
    w.clock.advance(100);
  });

  test("when the client goes", async () => {
    w.client.leave();
    await brokenOff("client_gone");
  });

  test("when the backend is silent for too long, but not before", async () => {
    w.clock.advance(4_000);
    w.say("half a line");
    w.clock.advance(4_999);
    expect(w.told).toEqual(["head 200"]);
    w.clock.advance(1);
    await brokenOff("backend_timeout");
  });

  test("when it lasts too long", async () => {
    for (let second = 0; second < 60; second++) {
      w.say("tick\n");
      w.clock.advance(1_000);
    }
    await brokenOff("backend_timeout");
    expect(w.got).toHaveLength(61);
  });

  test("when it is larger than it may be", async () => {
    for (let index = 0; index < 1_100; index++) w.say(`${"x".repeat(1_023)}\n`);
    await brokenOff("backend_error");
  });

  test("when its relay turns out not to be valid", async () => {
    w.stream.stop(new Reject("signature_invalid"));
    await brokenOff("signature_invalid");
  });
});

test("a stream that may end at its time limit does, whole lines and all, and is stored", async () => {
  w = world({ atTimeLimit: "end", idleMs: 0 });
  w.say("a\n");
  w.clock.advance(59_990);
  w.say("b\nhalf");
  w.clock.advance(10);
  expect(await w.ended).toBeDefined();
  expect(w.got).toEqual(["a\n", "b\nhalf\n"]);
  expect(w.told).toEqual(["head 200", "backend broken off", "stored", "end", "over"]);
});

test("one of which nothing has come by then is refused all the same", async () => {
  w = world({ atTimeLimit: "end", idleMs: 0 });
  w.clock.advance(60_000);
  expect(await w.ended).toMatchObject({ code: "backend_timeout" });
});

describe("a client that reads slowly", () => {
  beforeEach(() => {
    w.state.hasRoom = false;
    w.say("a\n");
    w.clock.advance(100);
  });

  test("makes the backend wait until there is room; that time is not the backend's silence", async () => {
    expect(w.told).toEqual(["head 200", "pause"]);
    w.clock.advance(1_900);
    w.state.hasRoom = true;
    w.state.drained?.();
    expect(w.told).toEqual(["head 200", "pause", "resume"]);
    w.clock.advance(4_900);
    w.say("b\n");
    w.end();
    await w.ended;
    expect(w.got).toEqual(["a\n", "b\n"]);
  });

  test("is let go after a while", async () => {
    w.clock.advance(2_000);
    expect(await w.ended).toMatchObject({ code: "client_gone" });
    expect(w.told).toContain("backend broken off");
  });
});
