import { createServer } from "node:net";
import { AppError } from "../../../base/errors.ts";

/** Ports on 127.0.0.1 of everything that listens, but for the backends, which take any. */
export type Ports = {
  readonly relay: number;
  readonly relayerHealth: number;
  readonly relayerMetrics: number;
  readonly minerMetrics: number;
  readonly chainRpc: number;
};

const COUNT = 5;
const FIRST = 8180;
const STEP = 10;
const TRIES = 200;

/**
 * Five ports in a row from `first`, or, without it, from the first free row from 8180 on.
 * Throws AppError LISTEN_FAILED when `first` is given and one of them is taken.
 */
export async function choosePorts(first: number | undefined): Promise<Ports> {
  if (first !== undefined) {
    const taken = await firstTaken(first);
    if (taken === undefined) return portsFrom(first);
    throw new AppError("LISTEN_FAILED", `Port ${taken} is taken`, {
      why: `the localnet needs ${first} to ${first + COUNT - 1} on 127.0.0.1`,
      todo: "Free it, or choose other ports with --port.",
    });
  }
  for (let row = 0; row < TRIES; row++)
    if ((await firstTaken(FIRST + row * STEP)) === undefined) return portsFrom(FIRST + row * STEP);
  throw new AppError("LISTEN_FAILED", `There are no ${COUNT} free ports in a row from ${FIRST} on`);
}

const portsFrom = (first: number): Ports => ({
  relay: first,
  relayerHealth: first + 1,
  relayerMetrics: first + 2,
  minerMetrics: first + 3,
  chainRpc: first + 4,
});

async function firstTaken(first: number): Promise<number | undefined> {
  for (let port = first; port < first + COUNT; port++) if (!(await isFree(port))) return port;
  return undefined;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
