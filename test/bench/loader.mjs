/** The process that loads the relayers. Signs relays, sends them, checks answers, measures V; each on its own, never two at once. */
import { setTimeout as sleep } from "node:timers/promises";
import { equalBytes, fromUtf8 } from "../../dist/base/bytes.js";
import { PoktHttpResponse } from "../../dist/chain/proto/http-envelope.js";
import { RelayResponse } from "../../dist/chain/proto/service.js";
import { verifyDigest } from "../../dist/chain/protocol/ecdsa.js";
import { payloadHash, responseDigest } from "../../dist/chain/protocol/relay-hash.js";
import { answerCalls } from "./child.mjs";
import { Connection } from "./connection.mjs";
import { cpuBetween, cpuOf } from "./proc.mjs";
import { openSigners, relayId } from "./requests.mjs";
import { closedLoop, openLoop } from "./window.mjs";
import { measureV } from "./yardstick.mjs";

const TRIES = 20;

let plan;
let signers;
let connections = [];
/** Number of the next relay that is signed. */
let nextNumber = 0;
let ready = { wires: [], from: 0 };

const sessionOf = (number) => plan.sessions[number % plan.sessions.length];
const supplierOf = (number) => {
  const { suppliers } = sessionOf(number);
  return suppliers[Math.floor(number / plan.sessions.length) % suppliers.length];
};

async function sign({ count }) {
  ready = { ...(await signers.make(nextNumber, count)), from: nextNumber };
  nextNumber += count;
}

function connect(count) {
  for (const each of connections) each.close();
  connections = Array.from(
    { length: count },
    (_, index) => new Connection(plan.urls[index % plan.urls.length]),
  );
}

/** One relay of each application to each relayer, again when it is refused: sessions are looked up and tables built. */
async function meet() {
  for (const url of plan.urls) {
    await sign({ count: plan.sessions.length });
    const left = ready.wires.values();
    await Promise.all([introduce(url, left), introduce(url, left)]);
  }
}

async function introduce(url, wires) {
  const connection = new Connection(url);
  const sent = (wire) =>
    new Promise((resolve) => connection.send(wire, ready.tail, (status, body) => resolve({ status, body })));
  for (const wire of wires)
    for (let attempt = 1; ; attempt++) {
      const { status, body } = await sent(wire);
      if (status === 200) break;
      if (attempt === TRIES) throw new Error(`a good relay is refused: ${status} ${fromUtf8(body)}`);
      await sleep(100);
    }
  connection.close();
}

/** How many of the sampled answers are good: signed by the supplier, of the very bytes, and the answer to that request. */
function goodAnswers(sample) {
  return sample.filter(({ number, body }) => {
    const response = RelayResponse.decode(body);
    const { payload, meta } = response;
    const signature = meta.supplierOperatorSignature;
    const { statusCode, bodyBz } = PoktHttpResponse.decode(payload);
    return (
      verifyDigest(supplierOf(number).publicKey, responseDigest(response), signature) &&
      equalBytes(response.payloadHash ?? new Uint8Array(0), payloadHash(payload)) &&
      statusCode === 200 &&
      fromUtf8(bodyBz).includes(`"${relayId(number)}"`)
    );
  }).length;
}

async function load(how) {
  if (connections.length !== how.connections) connect(how.connections);
  const before = cpuOf(process.pid);
  const loop = how.rps === undefined ? closedLoop : openLoop;
  const { sample, ...result } = await loop({ ...ready, ...how, connections });
  const loaderCpu = cpuBetween(before, cpuOf(process.pid)).main;
  const relayBytes = ready.relayLength;
  if (plan.kind !== undefined) return { ...result, loaderCpu, relayBytes };
  return {
    ...result,
    loaderCpu,
    relayBytes,
    signatures: { checked: sample.length, good: goodAnswers(sample) },
  };
}

answerCalls({
  open: async (given) => {
    plan = given;
    signers = openSigners({ ...plan, urls: undefined });
    // A flood introduces itself.
    if (plan.kind === undefined) await meet();
  },
  sign,
  load,
  yardstick: measureV,
});
