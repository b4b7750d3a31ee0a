import { LRUCache } from "lru-cache";
import type { Clock } from "../../../base/clock.ts";
import { AppError, toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Application } from "../../../chain/proto/application.ts";
import type { SharedParams } from "../../../chain/proto/shared.ts";
import type { ChainData } from "../../cache/chain-data.ts";
import type { Consumption, Meter, MeterMeta } from "../../redis/meter.ts";
import type { Heights } from "../heights.ts";
import type { RelayerMetrics } from "../metrics.ts";
import { Reject } from "../rejects.ts";
import type { PreparedSession } from "../sessions.ts";
import type { DecodedRelay } from "./decode.ts";

/** A relay that is paid for; `refund` gives it back when it earns nothing after all. */
export type Metered = { refund(): Promise<void> };

/** What `work` gives. When it throws the relay earns nothing, and is given back before the same is thrown. */
export async function orRefund<Value>(metered: Metered, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (thrown) {
    await metered.refund();
    throw thrown;
  }
}

export type MeterDependencies = {
  readonly meter: Meter;
  readonly chain: ChainData;
  readonly heights: Heights;
  readonly clock: Clock;
  readonly metrics: RelayerMetrics;
  /** The service's factor, or the default one; undefined when none is set. */
  readonly factor: (service: string) => number | undefined;
  /** Where each metered session's limit was last told. */
  readonly limits: ToldLimits;
  readonly terms: SessionTerms;
  readonly logger: Logger;
  /** What happens when Redis or the chain does not answer: "open" serves unmetered. */
  readonly failBehavior: "open" | "closed";
};

const UNMETERED: Metered = { refund: async () => undefined };
const MAX_TOLD = 10_000;

/** What a session's relays are metered by. */
type Terms = Omit<MeterMeta, "createdAt">;
type KnownTerms = { readonly metered: Terms; readonly until: number };
/** By supplier, for sessions in use. */
export type SessionTerms = WeakMap<PreparedSession, Map<string, KnownTerms>>;
/** Far less than what the caches are behind the chain in any case; many relays of a busy session. */
const TERMS_MS = 250;

/** The limit that the fleet was last told for each metered session, by this process. Bounded; what falls out is told again. */
export type ToldLimits = LRUCache<string, string>;
export const toldLimits = (): ToldLimits => new LRUCache({ max: MAX_TOLD });

/**
 * Counts a relay against what its application can pay this supplier in this session (relay-path 7).
 * With an `id`, the fleet counts the relay once. Throws Reject over_limit, replayed, or meter_unavailable when it fails closed.
 */
export async function meter(
  relay: DecodedRelay,
  session: PreparedSession,
  dependencies: MeterDependencies,
  id?: Uint8Array,
): Promise<Metered> {
  const { metrics, clock, failBehavior, logger } = dependencies;
  const service = relay.header.serviceId;
  const start = clock.monotonic();
  try {
    const { allowed, replayed } = await consume(relay, session, dependencies, id);
    if (replayed) throw new Reject("replayed");
    metrics.meterConsumptions.inc({ service_id: service, result: allowed ? "allowed" : "denied" });
    if (!allowed) throw new Reject("over_limit");
    return { refund: () => refund(relay, session, dependencies, id) };
  } catch (thrown) {
    if (thrown instanceof Reject) throw thrown;
    // An application that is not on chain any more pays for nothing, whatever is to happen when nobody answers.
    if (isNotFound(thrown))
      throw new Reject("session_invalid", "its application is not staked", { cause: thrown });
    metrics.meterErrors.inc({ operation: "consume" });
    metrics.meterConsumptions.inc({ service_id: service, result: "unavailable" });
    logger.warn(
      { service, error: toError(thrown).message, failBehavior },
      failBehavior === "open"
        ? "relays are served unmetered"
        : "relays are refused: the meter is not available",
    );
    if (failBehavior === "closed") throw new Reject("meter_unavailable", undefined, { cause: thrown });
    return UNMETERED;
  } finally {
    metrics.meterLatency.observe(
      { service_id: service, mode: failBehavior },
      (clock.monotonic() - start) / 1000,
    );
  }
}

function consume(
  relay: DecodedRelay,
  session: PreparedSession,
  dependencies: MeterDependencies,
  id: Uint8Array | undefined,
): Promise<Consumption> {
  const { meter: counters, terms, clock, factor } = dependencies;
  const known = terms.get(session)?.get(relay.supplier);
  const hasFactor = known?.metered.factor === (factor(relay.header.serviceId) ?? 0);
  if (known !== undefined && hasFactor && clock.monotonic() < known.until)
    return counters.consume(known.metered, session.cost, id);
  return consumeAnew(relay, session, dependencies, id);
}

async function consumeAnew(
  relay: DecodedRelay,
  session: PreparedSession,
  dependencies: MeterDependencies,
  id: Uint8Array | undefined,
): Promise<Consumption> {
  const { meter: counters, terms, clock } = dependencies;
  const metered = await termsNow(relay, dependencies);
  const ofSession = terms.get(session) ?? new Map<string, KnownTerms>();
  terms.set(session, ofSession.set(relay.supplier, { metered, until: clock.monotonic() + TERMS_MS }));
  const consumption = await counters.consume(metered, session.cost, id);
  tell(metered, dependencies);
  return consumption;
}

/** The limit by what the caches know now of application and params, and what the fleet's record says with it. */
async function termsNow(relay: DecodedRelay, { chain, heights, factor }: MeterDependencies): Promise<Terms> {
  const { applicationAddress, serviceId, sessionId, sessionEndBlockHeight } = relay.header;
  const current = heights.current;
  const isRunning = current === 0n || sessionEndBlockHeight >= current;
  const [application, params, { numSuppliersPerSession }] = await Promise.all([
    chain.application(applicationAddress),
    isRunning ? chain.sharedParams() : chain.sharedParamsAt(sessionEndBlockHeight),
    chain.sessionParams(),
  ]);
  const serviceFactor = factor(serviceId);
  return {
    sessionId,
    supplier: relay.supplier,
    application: applicationAddress,
    serviceId,
    sessionEndHeight: sessionEndBlockHeight,
    limit: sessionLimit(application, params, numSuppliersPerSession, serviceFactor),
    factor: serviceFactor ?? 0,
    applicationStake: stakeOf(application),
  };
}

/**
 * The record of the limit that other replicas read is made with the first relay and says what held then. When stake, factor or params
 * change it is written anew, by whoever notices first (relay-path 9.5); nobody waits for it.
 */
function tell(metered: Terms, { meter: counters, limits, metrics }: MeterDependencies) {
  const name = `${metered.sessionId}|${metered.supplier}`;
  const now = `${metered.limit}|${metered.applicationStake}|${metered.factor}`;
  const last = limits.get(name);
  if (last === now) return;
  limits.set(name, now);
  const revise = async () => {
    const { meta } = await counters.read(metered);
    const isTold =
      meta?.limit === metered.limit &&
      meta.applicationStake === metered.applicationStake &&
      meta.factor === metered.factor;
    if (meta !== undefined && !isTold) await counters.revise(metered);
  };
  revise().catch(() => {
    limits.delete(name);
    metrics.meterErrors.inc({ operation: "revise" });
  });
}

const isNotFound = (thrown: unknown): boolean =>
  thrown instanceof AppError && thrown.code === "CHAIN_NOT_FOUND";

async function refund(
  relay: DecodedRelay,
  { cost }: PreparedSession,
  { meter: counters, metrics }: MeterDependencies,
  id: Uint8Array | undefined,
): Promise<void> {
  try {
    await counters.refund({ sessionId: relay.header.sessionId, supplier: relay.supplier }, cost, id);
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
