import type { Clock } from "../../../base/clock.ts";
import { AppError } from "../../../base/errors.ts";
import type { Application } from "../../../chain/proto/application.ts";
import type { SharedParams } from "../../../chain/proto/shared.ts";
import type { ChainData } from "../../cache/chain-data.ts";
import type { Consumption, Meter } from "../../redis/meter.ts";
import type { Heights } from "../heights.ts";
import type { RelayerMetrics } from "../metrics.ts";
import { Reject } from "../rejects.ts";
import type { PreparedSession } from "../sessions.ts";
import type { DecodedRelay } from "./decode.ts";

/** A relay that is paid for; `refund` gives it back when it earns nothing after all. */
export type Metered = { refund(): Promise<void> };

export type MeterDependencies = {
  readonly meter: Meter;
  readonly chain: ChainData;
  readonly heights: Heights;
  readonly clock: Clock;
  readonly metrics: RelayerMetrics;
  /** The service's factor, or the default one; undefined when none is set. */
  readonly factor: (service: string) => number | undefined;
  /** What happens when Redis or the chain does not answer: "open" serves unmetered. */
  readonly failBehavior: "open" | "closed";
};

const UNMETERED: Metered = { refund: async () => undefined };

/**
 * Counts a relay against what its application can pay this supplier in this session (relay-path 7).
 * Throws Reject over_limit, or meter_unavailable when it fails closed.
 */
export async function meter(
  relay: DecodedRelay,
  session: PreparedSession,
  dependencies: MeterDependencies,
): Promise<Metered> {
  const { metrics, clock, failBehavior } = dependencies;
  const service = relay.header.serviceId;
  const start = clock.monotonic();
  try {
    const { allowed } = await consume(relay, session, dependencies);
    metrics.meterConsumptions.inc({ service_id: service, result: allowed ? "allowed" : "denied" });
    if (!allowed) throw new Reject("over_limit");
    return { refund: () => refund(relay, session, dependencies) };
  } catch (thrown) {
    if (thrown instanceof Reject) throw thrown;
    metrics.meterErrors.inc({ operation: "consume" });
    metrics.meterConsumptions.inc({ service_id: service, result: "unavailable" });
    if (failBehavior === "closed") throw new Reject("meter_unavailable", undefined, { cause: thrown });
    return UNMETERED;
  } finally {
    metrics.meterLatency.observe(
      { service_id: service, mode: failBehavior },
      (clock.monotonic() - start) / 1000,
    );
  }
}

async function consume(
  relay: DecodedRelay,
  session: PreparedSession,
  { meter: counters, chain, heights, factor }: MeterDependencies,
): Promise<Consumption> {
  const { applicationAddress, serviceId, sessionId, sessionEndBlockHeight } = relay.header;
  const application = await chain.application(applicationAddress);
  const current = heights.current;
  const params =
    current === 0n || sessionEndBlockHeight >= current
      ? await chain.sharedParams()
      : await chain.sharedParamsAt(sessionEndBlockHeight);
  const { numSuppliersPerSession } = await chain.sessionParams();
  const serviceFactor = factor(serviceId);
  return counters.consume(
    {
      sessionId,
      supplier: relay.supplier,
      application: applicationAddress,
      serviceId,
      sessionEndHeight: sessionEndBlockHeight,
      limit: sessionLimit(application, params, numSuppliersPerSession, serviceFactor),
      factor: serviceFactor ?? 0,
      applicationStake: stakeOf(application),
    },
    session.cost,
  );
}

async function refund(
  relay: DecodedRelay,
  { cost }: PreparedSession,
  { meter: counters, metrics }: MeterDependencies,
): Promise<void> {
  try {
    await counters.refund({ sessionId: relay.header.sessionId, supplier: relay.supplier }, cost);
  } catch {
    // The application keeps a charge of one relay for this session: counted, and not worth failing an answer.
    metrics.meterErrors.inc({ operation: "refund" });
  }
}

const orOne = (value: bigint): bigint => (value === 0n ? 1n : value);

const stakeOf = ({ stake }: Application): bigint => upokt(stake);

function upokt(coin: { readonly denom: string; readonly amount: string } | undefined): bigint {
  if (coin === undefined) return 0n;
  if (coin.denom !== "upokt" || !/^\d+$/.test(coin.amount))
    throw new AppError("CHAIN_BAD_ANSWER", "a stake that is no amount of upokt", { ...coin });
  return BigInt(coin.amount);
}

/**
 * What one supplier may serve of an application's stake in one session, in upokt (relay-path 7.1): the stake split among the
 * session's suppliers and the sessions not yet settled. A service factor replaces that share; the application's own limit per
 * session caps either (7.2).
 */
export function sessionLimit(
  application: Application,
  params: SharedParams,
  numSuppliersPerSession: bigint,
  factor: number | undefined,
): bigint {
  const stake = stakeOf(application);
  const suppliers = orOne(numSuppliersPerSession);
  const windows = orOne(
    params.claimWindowOpenOffsetBlocks +
      params.claimWindowCloseOffsetBlocks +
      params.proofWindowOpenOffsetBlocks +
      params.proofWindowCloseOffsetBlocks,
  );
  const blocks = orOne(params.numBlocksPerSession);
  const pendingSessions = (windows + blocks - 1n) / blocks + 1n;
  // The Go peer multiplies in doubles and cuts off; replicas of both kinds must come to one number.
  const share =
    factor === undefined || factor === 0
      ? stake / suppliers / pendingSessions
      : BigInt(Math.trunc(Number(stake) * factor));
  const spendLimit = upokt(application.perSessionSpendLimit);
  return spendLimit > 0n && spendLimit / suppliers < share ? spendLimit / suppliers : share;
}
