import { AccountBudget } from "../../../base/account-budget.ts";
import type { Clock } from "../../../base/clock.ts";
import { addressOf } from "../../../chain/protocol/address.ts";
import { digestOfRequest } from "../../../chain/protocol/request-bytes.ts";
import { type PreparedRing, prepareRing } from "../../../chain/protocol/ring/prepare.ts";
import { sessionHeaderProblem, signedProblem } from "../../../chain/protocol/validate.ts";
import type { SimulationConfig, SimulationIdentity } from "../../config/simulation.ts";
import type { KeyRing } from "../../keys/key-ring.ts";
import type { SimulationReplays } from "../../redis/simulation-replays.ts";
import { Reject } from "../rejects.ts";
import type { ServiceRoutes } from "../steps/admit.ts";
import type { DecodedRelay } from "../steps/decode.ts";
import type { VerifyRingSoon } from "../verify-pool/job.ts";

export type AdmissionDependencies = {
  readonly config: SimulationConfig;
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly keys: KeyRing;
  readonly verifyRing: VerifyRingSoon;
  readonly replays: SimulationReplays;
  readonly clock: Clock;
};

type Identity = SimulationIdentity & { readonly application: string; readonly ring: PreparedRing };

/** Seconds since the epoch and a nonce (relay-path 8). */
const SESSION_ID = /^simv1:(\d{1,12}):[0-9a-fA-F]{16}$/;
const NO_LIMIT = { perSecond: 1e9, burst: 1e9 };

const rejected = (why: string): Reject => new Reject("simulation_rejected", why);

/** Who may send simulated relays, and whether one is to be served: the Go peer's order but for the last steps (relay-path 8). */
export class Admission {
  readonly #given: AdmissionDependencies;
  readonly #identities: ReadonlyMap<string, Identity>;
  readonly #rates: ReadonlyMap<string, AccountBudget>;
  #inWork = 0;

  constructor(given: AdmissionDependencies) {
    this.#given = given;
    const { config, clock } = given;
    const identities = config.identities.map(
      (identity): Identity => ({
        ...identity,
        application: addressOf(identity.app_pubkey_hex),
        ring: prepareRing([identity.app_pubkey_hex, ...identity.gateway_pubkeys_hex]),
      }),
    );
    this.#identities = new Map(identities.map((identity) => [identity.key_id, identity]));
    const rateOf = ({ max_rps }: Identity) =>
      new AccountBudget({
        each: { perSecond: max_rps, burst: Math.max(1, Math.ceil(max_rps)) },
        together: NO_LIMIT,
        mostAccounts: 1,
        now: () => clock.monotonic(),
      });
    this.#rates = new Map(identities.map((identity) => [identity.key_id, rateOf(identity)]));
  }

  /** Takes one of the places for simulated relays; the function given back leaves it. Throws Reject simulation_limit. */
  enter(): () => void {
    if (this.#inWork >= this.#given.config.max_concurrent)
      throw new Reject("simulation_limit", "too many are in work");
    this.#inWork += 1;
    let isIn = true;
    return () => {
      if (isIn) this.#inWork -= 1;
      isIn = false;
    };
  }

  /** One relay. Throws Reject simulation_limit, and what `requireOnce` throws. */
  async require(relay: DecodedRelay, keyId: string): Promise<void> {
    await this.requireOnce(relay, keyId);
    if (this.#rates.get(keyId)?.take() !== true)
      throw new Reject("simulation_limit", "its key sends more than max_rps");
  }

  /**
   * Anything that a simulated relay's keys sign, as often as they like, but each only once. Throws Reject: simulation_rejected,
   * missing_supplier, bad_request for the session id, unknown_service, replayed, simulation_unchecked. It is remembered only when its
   * signature is good, under what was signed: the Go peer remembers the signature before it looks at it, so that strangers fill Redis, and
   * a signature written from another member is a new one.
   */
  async requireOnce(relay: DecodedRelay, keyId: string): Promise<void> {
    const { config, replays } = this.#given;
    const identity = this.#identities.get(keyId);
    if (identity === undefined) throw rejected("the key id is not known");
    this.#requireTimely(identity);
    this.#requireMeant(relay, identity);
    await this.#requireSigned(relay, identity);
    const window = config.freshness_window_seconds;
    const isNew = await replays.remember(this.#digestOf(relay), 2 * window).catch((cause: unknown) => {
      throw new Reject("simulation_unchecked", undefined, { cause });
    });
    if (!isNew) throw new Reject("replayed");
  }

  #requireTimely({ enabled, not_after }: Identity): void {
    if (!enabled) throw rejected("the key id is not enabled");
    if (not_after !== undefined && this.#given.clock.now() > not_after)
      throw rejected("the key id has expired");
  }

  /** Everything that needs neither a signature nor Redis. */
  #requireMeant({ header, supplier, request }: DecodedRelay, identity: Identity): void {
    const { services, keys, config, clock } = this.#given;
    if (supplier === "") throw new Reject("missing_supplier");
    if (!keys.has(supplier)) throw rejected("the supplier's key is not held here");
    const problem = sessionHeaderProblem(header) ?? signedProblem(request.signature, supplier);
    if (problem !== undefined) throw rejected(problem);
    if (header.applicationAddress !== identity.application)
      throw rejected("the application is not that of the key id");
    if (!services.has(header.serviceId)) throw new Reject("unknown_service");
    const { allowed_services } = identity;
    if (allowed_services.length > 0 && !allowed_services.includes(header.serviceId))
      throw rejected("the key id may not ask this service");
    const parts = SESSION_ID.exec(header.sessionId);
    if (parts === null) throw new Reject("bad_request", "the session id is not of a simulated relay");
    if (Math.abs(clock.now() / 1000 - Number(parts[1])) >= config.freshness_window_seconds)
      throw rejected("the session id's time is too far from now");
  }

  async #requireSigned(relay: DecodedRelay, { ring, application }: Identity): Promise<void> {
    const digest = this.#digestOf(relay);
    const { signature } = relay.request;
    const verdict = await this.#given.verifyRing({ ring, digest, signature, account: application });
    if (!verdict.ok)
      throw new Reject("simulation_rejected", "the ring signature is not valid", {
        fields: { why: verdict.reason },
      });
  }

  #digestOf(relay: DecodedRelay): Uint8Array {
    relay.digest ??= digestOfRequest(relay.request);
    return relay.digest;
  }
}
