/** Signed relays as the HTTP requests that carry them, made by threads before the clock starts. */
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { PoktHttpRequest } from "../../dist/chain/proto/http-envelope.js";
import { RelayRequest } from "../../dist/chain/proto/service.js";
import { headerMap } from "../../dist/chain/protocol/http-headers.js";
import { requestDigest } from "../../dist/chain/protocol/relay-hash.js";
import { floodMaker } from "./flood-requests.mjs";
import { fastRingSigner } from "./ring-signer.mjs";

const EMPTY = new Uint8Array(0);
/** Bodies above this share their filler, so that many large relays fit into memory. */
export const SHARED_ABOVE = 4_096;
const OWN_BYTES = 2_048;

export const relayId = (number) => `bench-${number.toString(16).padStart(12, "0")}`;

/** A JSON-RPC request of at least `size` bytes, distinct by its number. */
function bodyOf(number, size) {
  const head = `{"jsonrpc":"2.0","id":"${relayId(number)}","method":"eth_call","params":["`;
  return `${head}${"0".repeat(Math.max(1, size - head.length - 3))}"]}`;
}

/** `make(number)` gives relay number n: of the n-th application in turn, and of that one's suppliers in turn. */
export function requestMaker({ sessions, gatewaySecrets, body }) {
  const header = headerMap([["content-type", "application/json"]]);
  const signers = new Map();
  const signerOf = (index) => {
    // Rings are those of the applications that are asked for: two thousand take a while.
    if (!signers.has(index)) signers.set(index, fastRingSigner([sessions[index].secret, ...gatewaySecrets]));
    return signers.get(index);
  };
  return (number) => {
    const index = number % sessions.length;
    const { header: sessionHeader, suppliers } = sessions[index];
    const supplier = suppliers[Math.floor(number / sessions.length) % suppliers.length];
    const bodyBz = Buffer.from(bodyOf(number, body), "latin1");
    const payload = PoktHttpRequest.encode({ method: "POST", header, url: "http://bench/", bodyBz });
    const meta = { sessionHeader, signature: EMPTY, supplierOperatorAddress: supplier.address };
    const signature = signerOf(index)(requestDigest({ meta, payload }));
    return RelayRequest.encode({ meta: { ...meta, signature }, payload });
  };
}

/** The whole HTTP request; of a large one what its own bytes are, the rest is `sharedTail`. */
export function wireOf(relay, isShared) {
  const head = `POST / HTTP/1.1\r\nhost: bench\r\ncontent-type: application/octet-stream\r\nrpc-type: 3\r\ncontent-length: ${relay.length}\r\n\r\n`;
  const own = isShared ? relay.subarray(0, relay.length - sharedLength(relay.length)) : relay;
  return Buffer.concat([Buffer.from(head, "latin1"), own]);
}

// The body is the last field of a relay, and its filler the body's end.
const sharedLength = (length) => length - OWN_BYTES;
export const isSharedAbove = (body) => body > SHARED_ABOVE;
/** What all relays of that length end with. */
export const sharedTail = (length) => Buffer.from(`${"0".repeat(sharedLength(length) - 3)}"]}`, "latin1");

/** Relays `from` to `from + count` as { wires, tail }, signed on all cores; `open` once, then `make` as often as needed. */
export function openSigners(plan) {
  const threads = Array.from(
    { length: availableParallelism() },
    () => new Worker(new URL(import.meta.url), { workerData: plan }),
  );
  const call = (thread, job) =>
    new Promise((resolve, reject) => {
      thread.once("error", reject);
      thread.once("message", (answer) => {
        thread.off("error", reject);
        resolve(answer);
      });
      thread.postMessage(job);
    });
  return {
    make: async (from, count) => {
      // Each thread signs for applications of its own, so that it prepares only their rings.
      const parts = await Promise.all(
        threads.map((thread, part) => call(thread, { from, count, part, parts: threads.length })),
      );
      const wires = Array.from({ length: count });
      for (const { bytes, ends, numbers } of parts) {
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
        for (const [index, number] of numbers.entries())
          wires[number - from] = buffer.subarray(ends[index - 1] ?? 0, ends[index]);
      }
      const relayLength = Math.max(...parts.map((part) => part.relayLength));
      return { wires, tail: isSharedAbove(plan.body) ? sharedTail(relayLength) : undefined, relayLength };
    },
    close: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

function serveThread(plan) {
  const good = requestMaker(plan);
  const make = plan.kind === undefined ? good : floodMaker(plan, good);
  const { length } = plan.sessions;
  const ownerOf = (number) => (length > 1 ? number % length : number);
  parentPort.on("message", ({ from, count, part, parts }) => {
    const wires = [];
    const numbers = [];
    let relayLength = 0;
    for (let number = from; number < from + count; number++) {
      if (ownerOf(number) % parts !== part) continue;
      const relay = make(number);
      relayLength = relay.length;
      wires.push(wireOf(relay, isSharedAbove(plan.body)));
      numbers.push(number);
    }
    let end = 0;
    const ends = wires.map((wire) => (end += wire.length));
    const bytes = new Uint8Array(Buffer.concat(wires));
    parentPort.postMessage({ bytes, ends, numbers, relayLength }, [bytes.buffer]);
  });
}

if (!isMainThread && workerData?.sessions) serveThread(workerData);
