import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import { LOOK_MS, openTls } from "../../src/runtime/relayer/transports/tls.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { sendRaw } from "../kit/h2-frames.ts";
import { startNetwork } from "../kit/network.ts";

let directory: string;
let files: { cert_file: string; key_file: string };
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "relayminer-tls-"));
  files = { cert_file: join(directory, "cert.pem"), key_file: join(directory, "key.pem") };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function issue(name: string): void {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const out = ["-keyout", files.key_file, "-out", files.cert_file];
  execFileSync("openssl", ["req", "-x509", ...curve, "-subj", `/CN=${name}`, ...out], { stdio: "ignore" });
}

test("with a certificate the same port speaks TLS only, both protocols", async () => {
  issue("localhost");
  const secure = await startNetwork("eager", { relayer: { relay: { verify_workers: 0, tls: files } } });
  try {
    await secure.devnet.control("halt", {});
    const url = secure.url.replace("http:", "https:");
    const session = h2Session(url, { rejectUnauthorized: false });
    const body = JSON.stringify({ jsonrpc: "2.0", method: "eth_blockNumber", params: [], id: 1 });
    const sent = RelayRequest.encode(secure.sign(await secure.header(), body));
    expect((await h2Request(session, {}, sent)).status).toBe(200);
    session.close();
    // Also with an offer of HTTP/2 that TLS has no use for.
    for (const offer of ["", "Connection: Upgrade\r\nUpgrade: h2c\r\n"]) {
      const answer = await overTls(Number(new URL(url).port), (socket) =>
        socket.write(`GET /health HTTP/1.1\r\nHost: x\r\n${offer}\r\n`),
      );
      expect(answer.slice(0, 15)).toBe("HTTP/1.1 200 OK");
    }
    const plain = await sendRaw(secure.url, ["GET /health HTTP/1.1\r\nHost: x\r\n\r\n"], 3_000);
    expect(plain.received.toString("latin1")).not.toContain("200");
  } finally {
    await secure.close();
  }
});

test("a renewed certificate is taken by new connections without a restart; one that is not valid leaves the old, and is told of", async () => {
  issue("first");
  const told: string[] = [];
  const say = (_: unknown, message: string) => void told.push(message);
  const logger = { debug: () => undefined, info: say, warn: say, error: say };
  const tls = openTls({ ...files, min_version: "TLSv1.2" }, logger, (socket) => socket.end("served"));
  const server = createServer((socket) => tls.accept(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const nameOf = async () => {
    let name = "";
    const answer = await overTls(port, (socket) => {
      name = String(socket.getPeerCertificate().subject.CN);
    });
    expect(answer).toBe("served");
    return name;
  };
  const look = (at: number) => {
    // Written at times that differ, also where a file system counts in seconds.
    utimesSync(files.cert_file, at, at);
    tls.look();
  };
  try {
    expect(await nameOf()).toBe("first");
    tls.look();
    expect(told).toEqual([]);
    issue("second");
    expect(await nameOf()).toBe("first");
    look(1_000);
    expect(await nameOf()).toBe("second");
    expect(told.splice(0)).toEqual(["the relay port's certificate was renewed"]);
    writeFileSync(files.cert_file, "half a certifi");
    look(2_000);
    expect(await nameOf()).toBe("second");
    expect(told.splice(0)).toEqual(["the relay port keeps its certificate"]);
    issue("third");
    look(3_000);
    expect(await nameOf()).toBe("third");
    expect(LOOK_MS).toBeLessThanOrEqual(60_000);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

/** What one connection answers first. */
function overTls(port: number, connected: (socket: ReturnType<typeof connectTls>) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const given = { port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] };
    const socket = connectTls(given, () => connected(socket));
    socket.once("data", (data) => {
      resolve(String(data));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}
