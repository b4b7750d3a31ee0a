import { systemClock } from "../../src/base/clock.ts";
import { limits } from "../../src/runtime/config/listener.ts";
import type { Exchange } from "../../src/runtime/relayer/exchange.ts";
import { relayerMetrics } from "../../src/runtime/relayer/metrics.ts";
import type { RejectReason } from "../../src/runtime/relayer/rejects.ts";
import { type Listener, openListener } from "../../src/runtime/relayer/transports/listener.ts";
import { quiet } from "./network.ts";

/** The relay port alone: real sockets, and whatever a test answers instead of relays. */
export type TestPort = {
  readonly listener: Listener;
  readonly port: number;
  readonly url: string;
  /** Reasons of requests that were refused before they were relays. */
  readonly refused: RejectReason[];
  /** Of connections and streams that were closed: how many for a reason. */
  closed(reason: string): Promise<number>;
  /** From now on it is so much later; what is due then is seen within the next second. */
  later(ms: number): void;
};

const MIB = 1_048_576;

export async function openTestPort(
  handle: (exchange: Exchange) => Promise<void>,
  given: { readonly limits?: Readonly<Record<string, number>> } = {},
): Promise<TestPort> {
  const { listener: metrics } = relayerMetrics();
  const refused: RejectReason[] = [];
  let shift = 0;
  const listener = await openListener({
    host: "127.0.0.1",
    port: 0,
    clock: { ...systemClock, monotonic: () => systemClock.monotonic() + shift },
    logger: quiet,
    metrics,
    tls: undefined,
    limits: limits().parse(given.limits ?? {}),
    compression: { enabled: false, min_size_bytes: 1_024 },
    origins: [],
    maxBodyBytes: 10 * MIB,
    handle,
    refused: ({ code }) => void refused.push(code),
    upgrade: (_, socket) => socket.destroy(),
    health: { status: () => ({ ready: true, blockHeight: 1n }), readiness: () => ({ ready: true }) },
  });
  const { port } = listener.address;
  return {
    listener,
    port,
    url: `http://127.0.0.1:${port}`,
    refused,
    closed: async (reason) =>
      (await metrics.closed.get()).values.find(({ labels }) => labels["reason"] === reason)?.value ?? 0,
    later: (ms) => {
      shift += ms;
    },
  };
}
