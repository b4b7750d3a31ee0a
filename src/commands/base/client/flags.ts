import { Flags } from "@oclif/core";
import type { BackendKind } from "../../../runtime/config/backends.ts";

/** Flags of every command that sends relays. Names are those of the Go peer's `relay` commands where they mean the same (go-peers 2.1). */
const TARGET = "TARGET";
const KEYS = "KEYS";
const SIMULATION = "SIMULATION";
const LOAD = "LOAD TEST";

const target = {
  localnet: Flags.string({
    summary:
      "Directory of a running `relayminer localnet --keep`: chain, relayer, service and keys come from it",
    helpValue: "<dir>",
    helpGroup: TARGET,
  }),
  "node-rpc": Flags.string({
    summary: "CometBFT RPC of a Pocket node: session, keys and prices are read there",
    env: "RELAYMINER_NODE_RPC",
    helpValue: "<url>",
    helpGroup: TARGET,
  }),
  "relayer-url": Flags.string({
    summary: "The relayer to ask; by default where the supplier says on chain",
    helpValue: "<url>",
    helpGroup: TARGET,
  }),
  service: Flags.string({ summary: "Service to ask", helpValue: "<id>", helpGroup: TARGET }),
  app: Flags.string({
    summary: "Application that pays; by default the one whose key is given",
    helpValue: "<address>",
    helpGroup: TARGET,
  }),
  supplier: Flags.string({
    summary: "Supplier to ask; by default the first of the session",
    helpValue: "<operator address>",
    helpGroup: TARGET,
  }),
  "all-suppliers": Flags.boolean({
    summary: "Ask every supplier of the session",
    exclusive: ["supplier"],
    helpGroup: TARGET,
  }),
  "session-height": Flags.integer({
    summary: "Block of the session to sign for; by default the newest",
    min: 1,
    helpValue: "<block>",
    helpGroup: TARGET,
  }),
};

const keys = {
  "app-key-file": Flags.string({
    summary: "The application's private key: hex, or a keys file; - reads it from stdin",
    helpValue: "<file>",
    helpGroup: KEYS,
  }),
  "gateway-key-file": Flags.string({
    summary: "A gateway's private key, which signs instead: hex, or a keys file; - reads it from stdin",
    helpValue: "<file>",
    helpGroup: KEYS,
  }),
  "app-priv-key": Flags.string({
    summary: "The application's private key itself; better in the environment than here, where `ps` shows it",
    env: "RELAYMINER_APP_PRIV_KEY",
    helpValue: "<hex>",
    exclusive: ["app-key-file"],
    helpGroup: KEYS,
  }),
  "gateway-priv-key": Flags.string({
    summary: "A gateway's private key itself; better in the environment",
    env: "RELAYMINER_GATEWAY_PRIV_KEY",
    helpValue: "<hex>",
    exclusive: ["gateway-key-file"],
    helpGroup: KEYS,
  }),
};

const simulation = {
  simulate: Flags.boolean({
    summary: "Send simulated relays: through the whole relayer, without chain and pay",
    dependsOn: ["sim-key-id", "supplier"],
    helpGroup: SIMULATION,
  }),
  "sim-key-id": Flags.string({
    summary: "Identity in the relayer's `simulation.identities`",
    helpValue: "<key id>",
    helpGroup: SIMULATION,
  }),
  "sim-app-pubkey": Flags.string({
    summary: "Its app_pubkey_hex; by default the public key of the application's key",
    helpValue: "<hex>",
    helpGroup: SIMULATION,
  }),
  "sim-gateway-pubkeys": Flags.string({
    summary: "Its gateway_pubkeys_hex; by default the public keys of the gateway keys given",
    helpValue: "<hex,...>",
    helpGroup: SIMULATION,
  }),
  "supplier-pubkey": Flags.string({
    summary: "The supplier's public key, to check answers without a node",
    helpValue: "<hex>",
    helpGroup: SIMULATION,
  }),
};

export const loadFlags = {
  "load-test": Flags.boolean({
    summary: "Measure: many relays, and a report of what became of them",
    default: false,
    helpGroup: LOAD,
  }),
  count: Flags.integer({
    char: "n",
    summary: "Relays in all; more than 1 is a load test",
    default: 1,
    min: 1,
    max: 1_000_000,
    helpGroup: LOAD,
  }),
  concurrency: Flags.integer({
    char: "c",
    summary: "Relays in flight at a time",
    default: 10,
    min: 1,
    max: 1_000,
    helpGroup: LOAD,
  }),
  rps: Flags.integer({
    summary:
      "Relays begun per second; 0: as fast as they are answered. Latency then counts from when a relay was due",
    default: 0,
    min: 0,
    max: 10_000,
    helpGroup: LOAD,
  }),
  presign: Flags.boolean({
    summary: "Sign all relays before the clock starts",
    default: false,
    helpGroup: LOAD,
  }),
};

export const payloadFlag = Flags.string({
  summary: "What to ask; @<file> reads it from a file, - from stdin",
  helpValue: "<text>",
});

/** A path with its query, and how to ask for it. */
export const httpRequestFlags = {
  payload: payloadFlag,
  path: Flags.string({ summary: "Path and query of the request", helpValue: "<path>" }),
  method: Flags.string({
    summary: "HTTP method; by default POST with a payload, GET without",
    helpValue: "<method>",
  }),
  header: Flags.string({
    summary: "A header of the request inside the relay; may be given several times",
    helpValue: "<name: value>",
    multiple: true,
  }),
};

/** Seconds to wait for one answer, by default so many. */
export const timeoutFlag = (seconds: number, summary = "Seconds to wait for one answer") =>
  Flags.integer({ summary, default: seconds, min: 1, max: 3_600, helpValue: "<seconds>" });

const general = {
  timeout: timeoutFlag(30),
  verbose: Flags.boolean({ char: "v", summary: "Tell more on stderr: session, signer, headers" }),
};

export const clientFlags = { ...target, ...keys, ...simulation, ...general };

/** Which of the service's backends is asked, where the transport leaves that open. */
export const rpcTypeFlag = <Kind extends BackendKind>(options: readonly Kind[], otherwise: Kind) =>
  Flags.option({
    summary: "Which backend of the service is asked",
    options,
    default: otherwise,
  })();
