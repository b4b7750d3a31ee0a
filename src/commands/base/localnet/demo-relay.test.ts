import { expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../../base/bytes.ts";
import { systemClock } from "../../../base/clock.ts";
import { PoktHttpRequest, PoktHttpResponse } from "../../../chain/proto/http-envelope.ts";
import { RelayRequest, RelayResponse } from "../../../chain/proto/service.ts";
import { signDigest } from "../../../chain/protocol/ecdsa.ts";
import { headerMap } from "../../../chain/protocol/http-headers.ts";
import { requestDigest } from "../../../chain/protocol/relay-hash.ts";
import { buildResponse } from "../../../chain/protocol/response-signature.ts";
import { prepareRing } from "../../../chain/protocol/ring/prepare.ts";
import { verifyRingAtDoor, verifyRingOnChain } from "../../../chain/protocol/ring/verify.ts";
import { readAnswer } from "../../../runtime/client/answer.ts";
import type { Signers } from "../../../runtime/client/sign.ts";
import { actor } from "./actors.ts";
import { startBackend } from "./backends.ts";
import { type DemoRelay, demoProblem, demoRelay, relayId } from "./demo-relay.ts";

const [application, gateway, supplier] = ["application", "gateway", "supplier"].map((name) =>
  actor(1, name),
) as [ReturnType<typeof actor>, ReturnType<typeof actor>, ReturnType<typeof actor>];
const publicKeys = [application.publicKey, gateway.publicKey];
const signers: Signers = {
  header: {
    applicationAddress: application.address,
    serviceId: "eth",
    sessionId: "ab".repeat(32),
    sessionStartBlockHeight: 11n,
    sessionEndBlockHeight: 20n,
  },
  publicKeys,
  ring: prepareRing(publicKeys),
  members: [
    { index: 0, privateKey: application.privateKey },
    { index: 1, privateKey: gateway.privateKey },
  ],
};
const relayOf = (turn: number) =>
  demoRelay(signers, { id: relayId(1, turn), supplier, kind: "jsonrpc", turn, url: "http://127.0.0.1:1" });

test("application and gateway sign in turn, as the chain wants it; no two relays are the same", () => {
  const relays = [0, 1].map(relayOf);
  for (const { bytes } of relays) {
    const request = RelayRequest.decode(bytes);
    const digest = requestDigest(request);
    expect(verifyRingOnChain(signers.ring, digest, request.meta.signature)).toEqual({ ok: true });
    expect(verifyRingAtDoor(signers.ring, digest, request.meta.signature)).toEqual({ ok: true });
  }
  const payloads = relays.map(({ bytes }) =>
    fromUtf8(PoktHttpRequest.decode(RelayRequest.decode(bytes).payload).bodyBz),
  );
  expect(new Set(payloads).size).toBe(2);
});

test.each(["jsonrpc", "cometbft", "rest"] as const)(
  "a %s backend's answer is the request's own, and the same every time",
  async (rpcType) => {
    const backend = await startBackend(
      { id: "x", name: "x", kind: rpcType, computeUnitsPerRelay: 1n },
      systemClock,
    );
    try {
      const relay = demoRelay(signers, {
        id: relayId(1, 7),
        supplier,
        kind: rpcType,
        turn: 0,
        url: "http://127.0.0.1:1",
      });
      const request = RelayRequest.decode(relay.bytes);
      const inner = PoktHttpRequest.decode(request.payload);
      const ask = async () => {
        const answer = await fetch(`${backend.url}${inner.url}`, {
          method: inner.method,
          ...(inner.method === "POST" ? { body: fromUtf8(inner.bodyBz) } : {}),
        });
        expect(answer.headers.has("date")).toBe(false);
        return answer.text();
      };
      const body = await ask();
      expect(await ask()).toBe(body);
      const respond = (text: string, key = supplier.privateKey) =>
        buildResponse({
          request,
          payload: PoktHttpResponse.encode({ statusCode: 200, header: headerMap([]), bodyBz: utf8(text) }),
          sign: (digest) => signDigest(key, digest),
        });
      const answerProblem = (given: DemoRelay, bytes: Uint8Array) => {
        const read = readAnswer(given, bytes, "http");
        return "problem" in read ? read.problem : demoProblem(given, [read.answer]);
      };
      const good = respond(body);
      expect(answerProblem(relay, RelayResponse.encode(good))).toBeUndefined();
      expect(answerProblem(relay, RelayResponse.encode(respond(body, gateway.privateKey)))).toContain(
        "signature",
      );
      expect(answerProblem(relay, RelayResponse.encode(respond("{}")))).toContain("another request");
      const swapped = { ...good, payload: respond("{}").payload };
      expect(answerProblem(relay, RelayResponse.encode(swapped))).toContain("hash");
      expect(answerProblem(relay, utf8("no response"))).toBeDefined();
    } finally {
      await backend.close();
    }
  },
);
