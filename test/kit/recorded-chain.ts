import { readFileSync } from "node:fs";
import { type Genesis, parseGenesis } from "../../src/devnet/genesis.ts";
import { OWN_RECORDINGS_DIR } from "./vectors.ts";

// biome-ignore lint/suspicious/noExplicitAny: a recording is free-form JSON of a real node
type Json = any;

/** A recording of a real node, such as "abci_query/application". */
export const recording = (file: string): Json =>
  JSON.parse(readFileSync(`${OWN_RECORDINGS_DIR}/${file}.json`, "utf8"));

export const APP = "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4";
export const WEBSOCKET_APP = "pokt184zvylazwu4queyzpl0gyz9yf5yxm2kdhh9hpm";
const STREAM_APP = "pokt1lqyu4v88vp8tzc86eaqr4lq8rwhssyn6rfwzex";
export const GATEWAY = "pokt15vzxjqklzjtlz7lahe8z2dfe9nm5vxwwmscne4";
export const SUPPLIER = "pokt19a3t4yunp0dlpfjrp7qwnzwlrzd5fzs2gjaaaj";
const SOURCE_OWNER = "pokt1cwnu460557x0z78jv3hhc7356hhkrgc86c87q5";
const DAO = "pokt1eeeksh2tvkh7wzmfrljnhw4wrhs55lcuvmekkw";

const PROTOCOLS = {
  cometbft: "COMET_BFT",
  grpc: "GRPC",
  http: "JSON_RPC",
  stream: "REST",
  websocket: "WEBSOCKET",
};

function supplierYaml(address: string, index: number): string {
  const services = Object.entries(PROTOCOLS).map(([service, type]) => {
    const scheme = service === "websocket" ? "ws" : "http";
    return `{id: develop-${service}, endpoints: [{url: "${scheme}://127.0.0.1:8180", rpc_type: ${type}}]}`;
  });
  return `  - {name: supplier${index}, address: ${address}, services: [${services.join(", ")}]}`;
}

/** The genesis of the chain that most recordings are of, as far as they tell it. */
export function recordedGenesis(suppliers: readonly string[], params = ""): Genesis {
  return parseGenesis(`
chain_id: pocket
params:
  shared: {compute_units_to_tokens_multiplier: 100, compute_unit_cost_granularity: 1, claim_window_close_offset_blocks: 8, proof_window_close_offset_blocks: 8, supplier_unbonding_period_sessions: 20, application_unbonding_period_sessions: 2${params}}
  gateway: {min_stake: 1000000}
  proof: {proof_request_probability: 1, proof_submission_fee: 1000000}
  tokenomics: {dao_reward_address: ${DAO}}
services:
${Object.keys(PROTOCOLS)
  .map((name) => `  - {id: develop-${name}, compute_units_per_relay: 1000, owner: ${SOURCE_OWNER}}`)
  .join("\n")}
gateways:
  - {name: gateway, public_key: 025821a2ac597a034250ac14b772efccf9297aa7c4bea5444564059a7cfb152063}
applications:
  - {name: app, address: ${APP}, stake: 9247800000, services: [develop-http], gateways: [gateway]}
  - {name: app2, address: ${WEBSOCKET_APP}, services: [develop-websocket], gateways: [gateway]}
  - {name: app3, address: ${STREAM_APP}, services: [develop-stream], gateways: [gateway]}
suppliers:
${suppliers.map(supplierYaml).join("\n")}
`);
}
