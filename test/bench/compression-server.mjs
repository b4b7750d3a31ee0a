// The relay port alone, in a process of its own, answering one answer to everything: what its compression costs in memory.
import { Counter, Registry } from "prom-client";
import { systemClock } from "../../dist/base/clock.js";
import { limits } from "../../dist/runtime/config/listener.js";
import { openListener } from "../../dist/runtime/relayer/transports/listener.js";
import { answerCalls } from "./child.mjs";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const counter = (name) =>
  new Counter({ name, help: name, labelNames: ["reason"], registers: [new Registry()] });

/** JSON that compresses about as answers of nodes do. */
const answerOf = (bytes) =>
  Buffer.from(
    Array.from(
      { length: Math.ceil(bytes / 80) },
      (_, index) => `{"n":"0x${index.toString(16)}","hash":"${"0123456789abcdef".repeat(4)}"}`,
    )
      .join(",")
      .slice(0, bytes),
  );

answerCalls({
  listen: async ({ bytes }) => {
    const answer = answerOf(bytes);
    const requests = { http1: 0, https1: 0, h2c: 0, h2: 0, grpc: 0, grpc_web: 0 };
    const listener = await openListener({
      host: "127.0.0.1",
      port: 0,
      clock: systemClock,
      logger: quiet,
      metrics: { requests, refused: counter("refused"), closed: counter("closed") },
      maxBodyBytes: 1_000_000,
      tls: undefined,
      limits: limits().parse(undefined),
      origins: [],
      upgrade: (_, socket) => socket.destroy(),
      compression: { enabled: true, min_size_bytes: 1024 },
      handle: async (exchange) => exchange.reply(answer, 0),
      refused: () => undefined,
      health: { status: () => ({ ready: true, blockHeight: 1n }), readiness: () => undefined },
    });
    return listener.address.port;
  },
});
