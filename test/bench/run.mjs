// Costs of the parts of a relay as ratios to V, one native ECDSA verification measured in the same run: medians of interleaved runs.
// Usage: npm run bench -- [--json <file>] [--runs <n>]
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { RelayRequest } from "../../dist/chain/proto/service.js";
import { publicKeyOf, signDigest } from "../../dist/chain/protocol/ecdsa.js";
import { mineRelay, requestDigest } from "../../dist/chain/protocol/relay-hash.js";
import { buildResponse } from "../../dist/chain/protocol/response-signature.js";
import { signRing } from "../../dist/chain/protocol/ring/sign.js";
import { Trie } from "../../dist/smst/trie.js";
import { measured, printMeasured } from "./tasks.mjs";
import { verifyTasks } from "./verify.mjs";

const { values } = parseArgs({
  options: { json: { type: "string" }, runs: { type: "string", default: "7" } },
});
const runs = Number(values.runs);
const sha256 = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());

const [application, gateway, supplier] = [1, 2, 3].map(() => new Uint8Array(randomBytes(32)));
const publicKeys = [application, gateway].map(publicKeyOf);
const sessionHeader = {
  applicationAddress: "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4",
  serviceId: "anvil",
  sessionId: "80b70af2f8b2b60b77273592a8d1d4dccdd41182296a2227dda8c2dc88df383e",
  sessionStartBlockHeight: 71n,
  sessionEndBlockHeight: 80n,
};
const request = {
  meta: {
    sessionHeader,
    signature: new Uint8Array(0),
    supplierOperatorAddress: "pokt19a3t4yunp0dlpfjrp7qwnzwlrzd5fzs2gjaaaj",
  },
  payload: new Uint8Array(randomBytes(300)),
};
const digest = requestDigest(request);
const signature = signRing({ publicKeys, signerIndex: 1, privateKey: gateway, digest });
const signed = { ...request, meta: { ...request.meta, signature } };
const requestBytes = RelayRequest.encode(signed);
const payload = new Uint8Array(randomBytes(300));
const LEAVES = 1_000;

const tasks = {
  ...verifyTasks(runs),
  relay_codec_and_sign: {
    times: 200,
    run: () => {
      const decoded = RelayRequest.decode(requestBytes);
      requestDigest(decoded);
      const response = buildResponse({
        request: decoded,
        payload,
        sign: (bytes) => signDigest(supplier, bytes),
      });
      return mineRelay(decoded, response);
    },
  },
  trie_update: { times: 1, per: LEAVES, run: trieBatch },
};

function trieBatch() {
  const trie = new Trie({ get: () => undefined }, undefined, sha256);
  const leaves = Array.from({ length: LEAVES }, () => {
    const value = new Uint8Array(randomBytes(800));
    return { key: sha256(value), value, weight: 1n };
  });
  trie.updateMany(leaves);
  return trie.commit({ retain: "inner" });
}

const result = measured(tasks, runs);
if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
printMeasured(result);
