import { randomBytes } from "node:crypto";
import { fromHex } from "../../../base/bytes.ts";
import { systemClock } from "../../../base/clock.ts";
import { CloseStack } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import { openChainClient } from "../../../chain/node/client.ts";
import { addressBytes, encodeAddress } from "../../../chain/protocol/address.ts";
import { parsePrivateKey, publicKeyOf } from "../../../chain/protocol/ecdsa.ts";
import { PublicKeys } from "../../../runtime/client/session.ts";
import { SIMULATION_HEADER } from "../../../runtime/client/simulated.ts";
import { openChainSource, openSimulatedSource, type RelaySource } from "../../../runtime/client/source.ts";
import type { BackendKind } from "../../../runtime/config/backends.ts";
import { type LocalnetFile, readLocalnet } from "../localnet-dir.ts";
import { quietLogger } from "../quiet-logger.ts";
import { type GivenKeys, givenKeys, type KeyFlags, payerOf } from "./keys.ts";

export type ClientFlags = KeyFlags & {
  readonly localnet?: string | undefined;
  readonly "node-rpc"?: string | undefined;
  readonly "relayer-url"?: string | undefined;
  readonly service?: string | undefined;
  readonly supplier?: string | undefined;
  readonly "all-suppliers": boolean;
  readonly "session-height"?: number | undefined;
  readonly simulate: boolean;
  readonly "sim-key-id"?: string | undefined;
  readonly "sim-app-pubkey"?: string | undefined;
  readonly "sim-gateway-pubkeys"?: string | undefined;
  readonly "supplier-pubkey"?: string | undefined;
  readonly timeout: number;
  readonly verbose: boolean;
};

/** Where relays come from, with what a transport must add to them. */
export type Opened = {
  readonly source: RelaySource;
  readonly service: string;
  /** Headers of the HTTP request or of the handshake, metadata of the call. */
  readonly headers: Readonly<Record<string, string>>;
  readonly owned: CloseStack;
};

export type Wanted = {
  readonly kind: BackendKind;
  /** What localnet.json calls the services that this command asks. */
  readonly localnetType: string;
  readonly payload: (url: string, number: number) => Uint8Array;
};

const NODE_TIMEOUT_MS = 10_000;
/** How often the node is asked whether the session is over; a localnet's sessions are short. */
const LOOK_MS = 5_000;

/**
 * Flags → signed relays. Errors: USAGE, BAD_ADDRESS, LOCALNET_MISSING, those of the key files and of openChainSource. What was opened is
 * closed when it fails.
 */
export async function openClient(flags: ClientFlags, wanted: Wanted): Promise<Opened> {
  const owned = new CloseStack();
  try {
    const localnet = flags.localnet === undefined ? undefined : readLocalnet(flags.localnet);
    const service = serviceOf(flags, localnet, wanted.localnetType);
    const given = { flags: canonical(flags), wanted, localnet, service, keys: givenKeys(flags), owned };
    const source = owned.own(await (flags.simulate ? simulatedSource(given) : chainSource(given)));
    const headers = flags.simulate ? { [SIMULATION_HEADER]: flags["sim-key-id"] ?? "" } : {};
    return { source, service, headers, owned };
  } catch (thrown) {
    await owned.close();
    throw inOurWords(thrown);
  }
}

/** What to do about a node that is not there is written for those who run a relayer; here its address is a flag. */
function inOurWords(thrown: unknown): unknown {
  if (!(thrown instanceof AppError) || !NODE_ERRORS.has(thrown.code)) return thrown;
  const todo = "Check that --node-rpc is the CometBFT RPC of a running Pocket node.";
  return new AppError(thrown.code, thrown.message, { ...thrown.fields, todo }, thrown.cause);
}

const NODE_ERRORS = new Set(["CHAIN_UNREACHABLE", "CHAIN_TIMEOUT", "CHAIN_BAD_ANSWER"]);

type Given = {
  readonly flags: ClientFlags;
  readonly wanted: Wanted;
  readonly localnet: LocalnetFile | undefined;
  readonly service: string;
  readonly keys: GivenKeys;
  readonly owned: CloseStack;
};

function chainSource({ flags, wanted, localnet, service, keys, owned }: Given): Promise<RelaySource> {
  const chain = owned.own(openNode(flags, localnet));
  const none = keys.app.length + keys.gateway.length === 0;
  const { application, signing } =
    localnet !== undefined && none ? localnetPayer(localnet, service, flags.app) : payerOf(keys, flags.app);
  const height = flags["session-height"];
  return openChainSource({
    chain,
    clock: systemClock,
    wish: { application, service, privateKeys: signing },
    height: height === undefined ? undefined : BigInt(height),
    choice: {
      relayerUrl: relayerUrlOf(flags, localnet),
      supplier: flags.supplier,
      all: flags["all-suppliers"],
    },
    lookEveryMs: localnet === undefined ? LOOK_MS : Math.max(50, localnet.block_time_ms / 4),
    kind: wanted.kind,
    payload: wanted.payload,
  });
}

async function simulatedSource({
  flags,
  wanted,
  localnet,
  service,
  keys,
  owned,
}: Given): Promise<RelaySource> {
  const [own] = keys.app;
  const pinned = flags["sim-app-pubkey"];
  const gateways = flags["sim-gateway-pubkeys"];
  const url = relayerUrlOf(flags, localnet);
  if (url === undefined) throw missing("--relayer-url", "a simulated relay has no session that names one");
  if (pinned === undefined && own === undefined)
    throw missing(
      "--sim-app-pubkey",
      "the identity's application key must be known, or the key itself given",
    );
  const applicationKey =
    pinned === undefined ? publicKeyOf(own ?? new Uint8Array()) : publicKey("sim-app-pubkey", pinned);
  const gatewayKeys =
    gateways === undefined
      ? keys.gateway.map(publicKeyOf)
      : gateways.split(",").map((text) => publicKey("sim-gateway-pubkeys", text.trim()));
  const address = flags.supplier ?? "";
  const supplier = { address, publicKey: await supplierKey(flags, localnet, owned) };
  return openSimulatedSource({
    identity: { applicationKey, gatewayKeys, service, privateKeys: [...keys.gateway, ...keys.app] },
    target: { supplier, url },
    clock: systemClock,
    random: randomBytes,
    kind: wanted.kind,
    payload: wanted.payload,
  });
}

async function supplierKey(
  flags: ClientFlags,
  localnet: LocalnetFile | undefined,
  owned: CloseStack,
): Promise<Uint8Array> {
  const given = flags["supplier-pubkey"];
  if (given !== undefined) return publicKey("supplier-pubkey", given);
  const address = flags.supplier ?? "";
  const key = await new PublicKeys(owned.own(openNode(flags, localnet))).of(address);
  if (key === undefined)
    throw new AppError("KEY_UNKNOWN", `The chain has no public key of ${address}`, {
      why: "answers of this supplier cannot be checked",
      todo: "Give its public key with --supplier-pubkey.",
    });
  return key;
}

function openNode(flags: ClientFlags, localnet: LocalnetFile | undefined) {
  const url = flags["node-rpc"] ?? localnet?.chain_rpc_url;
  if (url === undefined) throw missing("--node-rpc", "sessions, keys and prices are read from a node");
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw notAUrl("node-rpc", url);
  return openChainClient({
    urls: [url],
    timeoutMs: NODE_TIMEOUT_MS,
    logger: quietLogger("chain"),
    clock: systemClock,
  });
}

function relayerUrlOf(flags: ClientFlags, localnet: LocalnetFile | undefined): string | undefined {
  const url = flags["relayer-url"] ?? localnet?.relayer_url;
  if (url !== undefined && (!/^(https?|wss?):\/\//.test(url) || !URL.canParse(url)))
    throw notAUrl("relayer-url", url);
  return url;
}

function serviceOf(flags: ClientFlags, localnet: LocalnetFile | undefined, type: string): string {
  const service = flags.service ?? localnet?.services.find(({ rpc_type }) => rpc_type === type)?.id;
  if (service === undefined) throw missing("--service", "a relay is for one service");
  return service;
}

/** The localnet's own application of the service; one of its gateways signs where it has one. */
function localnetPayer({ applications }: LocalnetFile, service: string, app: string | undefined) {
  const found = applications.find(({ address, service_ids }) =>
    app === undefined ? service_ids.includes(service) : address === app,
  );
  if (found === undefined)
    throw new AppError("USAGE", `The localnet has no application ${app ?? `for ${service}`}`, {
      why: `its applications: ${applications.map(({ address, service_ids }) => `${address} for ${service_ids.join(", ")}`).join("; ")}`,
    });
  const [gateway] = found.gateways;
  return { application: found.address, signing: [parsePrivateKey((gateway ?? found).private_key)] };
}

/** Addresses in the one form in which the chain stores them. */
const canonical = (flags: ClientFlags): ClientFlags => ({
  ...flags,
  app: address("app", flags.app),
  supplier: address("supplier", flags.supplier),
});

function address(flag: string, text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : encodeAddress(addressBytes(text));
  } catch (thrown) {
    throw new AppError("BAD_ADDRESS", `--${flag} ${text} is not an address`, {}, toError(thrown));
  }
}

function publicKey(flag: string, text: string): Uint8Array {
  if (!/^0[23][0-9a-fA-F]{64}$/.test(text))
    throw new AppError("USAGE", `--${flag} ${text} cannot be right`, {
      why: "a public key is 66 hex digits that begin with 02 or 03",
    });
  return fromHex(text);
}

const missing = (flag: string, why: string) => new AppError("USAGE", `${flag} is missing`, { why });
const notAUrl = (flag: string, text: string) =>
  new AppError("USAGE", `--${flag} ${text} cannot be right`, {
    why: "expected a URL such as http://127.0.0.1:8080",
  });
