import { CloseStack } from "../../base/close-stack.ts";
import type { RelayerConfig } from "../config/relayer.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { serviceRoutes } from "./backends/service-routes.ts";
import type { MessageSteps } from "./bridge/messages.ts";
import type { Serving } from "./live.ts";
import { openSimulation } from "./open-simulation.ts";
import type { Parts } from "./parts.ts";
import { RelayPipeline, type Steps } from "./relay.ts";
import type { PreparedSession } from "./sessions.ts";
import { admit, admitMessage, goneSince, requestedType } from "./steps/admit.ts";
import type { DecodedRelay } from "./steps/decode.ts";
import { forward } from "./steps/forward.ts";
import { type Metered, meter } from "./steps/meter.ts";
import { publish } from "./steps/publish.ts";
import { sign, signError } from "./steps/sign.ts";
import { streamer } from "./steps/stream.ts";
import { verify } from "./steps/verify.ts";
import { Users } from "./users.ts";

/** What relays are served with by a configuration and its keys. */
export function openServing(
  parts: Parts,
  { config, keyRing }: { readonly config: RelayerConfig; readonly keyRing: KeyRing },
): Serving {
  const owned = new CloseStack();
  const services = serviceRoutes(config, { ...parts, random: Math.random, owned });
  const users = new Users();
  const publishBeforeReply = config.relay.publish === "before_reply";
  const { work, metrics } = parts;
  const { steps, messageSteps } = stepsOf(parts, { config, keyRing, services });
  const simulation = openSimulation(parts, { config, keyRing, services });
  const answers = { overLimit: config.relay.over_limit_answer, keys: keyRing };
  const pipeline = new RelayPipeline({
    ...{ steps, work, metrics, publishBeforeReply, answers, simulation, users },
  });
  const messages = { steps: messageSteps, publishBeforeReply, users };
  const close = () => owned.close();
  return { config, keyRing, services, pipeline, messages, simulation, users, close };
}

const UNMETERED: Metered = { refund: async () => undefined };

/** The steps of a relay with what each needs: of the process, and of what was configured. */
function stepsOf(
  parts: Parts,
  { config, keyRing, services }: Pick<Serving, "config" | "keyRing" | "services">,
): { readonly steps: Steps; readonly messageSteps: MessageSteps } {
  const { chain, heights, sessions, standings, metrics, clock, replays } = parts;
  const admission = { services, keys: keyRing, standing: standings.standing, height: () => heights.current };
  const verification = { sessions, heights, verifyRing: parts.verifyPool.verify };
  const metering = {
    meter: parts.meter,
    limits: parts.meterLimits,
    terms: new WeakMap(),
    logger: parts.quietly,
    chain: chain.data,
    heights,
    clock,
    metrics,
    factor: standings.factor,
    failBehavior: config.relay_meter.fail_behavior,
  };
  const charge = config.relay_meter.enabled
    ? (relay: DecodedRelay, session: PreparedSession, id?: Uint8Array) => meter(relay, session, metering, id)
    : async () => UNMETERED;
  const steps: Steps = {
    decode: parts.decode.http,
    admit: (relay, exchange) => {
      const admitted = admit(relay, requestedType(relay, exchange), exchange.body.length, admission);
      replays.requireNew(relay);
      return admitted;
    },
    verify: (relay) => verify(relay, verification),
    meter: replays.once(charge),
    forward: (relay, admitted, exchange) => forward(relay, admitted, exchange, parts),
    sign: (relay, payload) => sign(relay, payload, keyRing),
    stream: streamer({ ...parts, keys: keyRing, maxStreams: config.relay.streaming.max_streams }),
    publish: (relay, session, signed) => publish(relay, session, signed, parts),
  };
  // Nothing is charged for a handshake; it is remembered as a relay is, so that nobody else can use it.
  const takeUncharged = replays.once(async () => UNMETERED);
  const admitOne = (relay: DecodedRelay) => {
    const admitted = admitMessage(relay, admission);
    replays.requireNew(relay);
    return admitted;
  };
  const messageSteps: MessageSteps = {
    decode: parts.decode.message,
    admit: admitOne,
    verify: async (relay) => {
      const session = await verify(relay, verification);
      return {
        lastHeight: session.lastHeight,
        meter: () => steps.meter(relay, session),
        meterFurther: () => charge(relay, session),
        publish: (signed) => steps.publish(relay, session, signed),
      };
    },
    sign: steps.sign,
    decodeHandshake: parts.decode.handshake,
    takeHandshake: async (relay) => {
      // Nobody may have the chain asked about any session he likes.
      admitOne(relay);
      const { refund } = await takeUncharged(relay, await verify(relay, verification));
      return () => void refund();
    },
    signError: (relay, code, text) =>
      keyRing.has(relay.supplier) ? signError(relay, code, text, keyRing) : undefined,
    gone: (service, supplier) => goneSince(service, supplier, admission),
  };
  return { steps, messageSteps };
}

/** The largest request that any service takes: what the listener may read. */
export const largestBody = (config: RelayerConfig): number =>
  Math.max(
    config.default_max_body_size_bytes,
    ...Object.values(config.services).map(({ max_body_size_bytes = 0 }) => max_body_size_bytes),
  );
