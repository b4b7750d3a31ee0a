// Answers compressed on the relay port, many of them: whether memory stays where it is.
// Usage: node test/bench/compression.mjs [--answers n] [--bytes n] [--json file] [--page file]
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { startChild } from "./child.mjs";
import { fillPage } from "./page.mjs";
import { residentBytes } from "./proc.mjs";

const CONNECTIONS = 16;
const SAMPLES = 100;
const MIB = 1_048_576;

/** { answers, seconds, samples, slope } with resident MiB over the run and the slope of its second half, in bytes an answer. */
export async function measureCompression({ answers, bytes }) {
  const server = await startChild("compression-server.mjs");
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  try {
    const port = await server.call("listen", { bytes });
    const samples = [];
    let done = 0;
    const every = Math.max(1, Math.floor(answers / SAMPLES));
    const start = performance.now();
    const worker = async () => {
      while (done < answers) {
        done += 1;
        if (done % every === 0) samples.push({ done, bytes: residentBytes(server.pid) });
        const body = await ask(port, agent);
        if (done % every === 0 && gunzipSync(body).length !== bytes)
          throw new Error("an answer is not whole");
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
    const half = samples.slice(Math.floor(samples.length / 2));
    return {
      answers: done,
      seconds: (performance.now() - start) / 1000,
      firstMiB: samples.at(0).bytes / MIB,
      halfMiB: half.at(0).bytes / MIB,
      lastMiB: samples.at(-1).bytes / MIB,
      slope: slopeOf(half),
    };
  } finally {
    agent.destroy();
    await server.close();
  }
}

function ask(port, agent) {
  return new Promise((resolve, reject) => {
    const headers = { "accept-encoding": "gzip", "content-length": 4 };
    const sent = request({ port, host: "127.0.0.1", method: "POST", agent, headers }, (response) => {
      if (response.headers["content-encoding"] !== "gzip") reject(new Error("an answer is not compressed"));
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.once("end", () => resolve(Buffer.concat(chunks)));
    });
    sent.once("error", reject);
    sent.end("ping");
  });
}

/** Least squares, bytes an answer. */
function slopeOf(samples) {
  const mean = (pick) => samples.reduce((sum, each) => sum + pick(each), 0) / samples.length;
  const [x, y] = [mean(({ done }) => done), mean(({ bytes }) => bytes)];
  const over = samples.reduce((sum, each) => sum + (each.done - x) * (each.bytes - y), 0);
  return over / samples.reduce((sum, each) => sum + (each.done - x) ** 2, 0);
}

function textOf(result) {
  const { answers, seconds, firstMiB, halfMiB, lastMiB, slope } = Object.fromEntries(
    Object.entries(result).map(([name, value]) => [name, Math.round(value * 100) / 100]),
  );
  return `${answers} compressed answers in ${seconds} s; resident memory ${firstMiB} MiB at the start, ${halfMiB} at half, ${lastMiB} at the end; slope of the second half ${slope} bytes an answer.`;
}

async function main() {
  const text = { type: "string" };
  const names = ["answers", "bytes", "json", "page"];
  const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, text])) });
  const result = await measureCompression({
    answers: Number(values.answers ?? 1_000_000),
    bytes: Number(values.bytes ?? 8_192),
  });
  console.log(textOf(result));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values.page) fillPage(values.page, "compression", textOf(result));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
