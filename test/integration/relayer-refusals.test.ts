import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { REJECTS, type RejectReason } from "../../src/runtime/relayer/rejects.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { rotated } from "../kit/rotated.ts";
import { chainHeight, goTo, headerAt } from "../kit/session-steps.ts";
import { streamEntries } from "../kit/stream.ts";
import { TRANSPORTS } from "../kit/transports.ts";

type Hostile = readonly [
  what: string,
  reason: RejectReason,
  make: (world: World) => RelayRequest | Uint8Array,
];
type World = { readonly network: Network; readonly header: SessionHeader; readonly over: SessionHeader };

const withMeta = (request: RelayRequest, meta: Partial<RelayRequest["meta"]>): RelayRequest => ({
  ...request,
  meta: { ...request.meta, ...meta },
});

let ids = 0;
const good = ({ network, header }: World, changes: Partial<SessionHeader> = {}): RelayRequest =>
  network.sign({ ...header, ...changes }, JSON.stringify({ id: ++ids }));

/** Refused before anything is asked, whatever the mode. */
const AT_ONCE: readonly Hostile[] = [
  ["what is no request", "bad_request", () => Uint8Array.of(0xff, 0xff, 0xff)],
  ["nothing", "bad_request", () => new Uint8Array()],
  ["no header", "bad_request", (world) => withMeta(good(world), { sessionHeader: undefined })],
  ["no signature", "signature_invalid", (world) => withMeta(good(world), { signature: new Uint8Array() })],
  ["no service", "bad_request", (world) => good(world, { serviceId: "" })],
  ["a service id that is none", "unknown_service", (world) => good(world, { serviceId: "ha:*" })],
  ["a session id that is none", "session_invalid", (world) => good(world, { sessionId: "ha:*" })],
  ["an application that is none", "session_invalid", (world) => good(world, { applicationAddress: "pokt1" })],
  ["no supplier", "missing_supplier", (world) => withMeta(good(world), { supplierOperatorAddress: "" })],
  ["a service that is not served", "unknown_service", (world) => good(world, { serviceId: "other" })],
  [
    "a supplier that is not ours",
    "unknown_supplier",
    (world) => withMeta(good(world), { supplierOperatorAddress: world.network.gateway.address }),
  ],
  [
    "heights of another age",
    "implausible_heights",
    (world) => good(world, { sessionStartBlockHeight: 90_001n, sessionEndBlockHeight: 90_020n }),
  ],
];

/** Refused in eager mode; in optimistic mode served and not stored. */
const WHEN_CHECKED: readonly Hostile[] = [
  [
    "another relay's signature",
    "signature_invalid",
    (world) => withMeta(good(world), { signature: good(world).meta.signature }),
  ],
  ["another payload", "signature_invalid", (world) => ({ ...good(world), payload: good(world).payload })],
  [
    "a gateway without delegation",
    "signature_invalid",
    ({ network, header }) => network.sign(header, "{}", { signer: network.newcomer }),
  ],
  ["another session's id", "session_invalid", (world) => good(world, { sessionId: "00".repeat(32) })],
  [
    "another application",
    "session_invalid",
    (world) => good(world, { applicationAddress: world.network.gateway.address }),
  ],
  [
    "an end that is not the session's",
    "session_invalid",
    (world) => good(world, { sessionEndBlockHeight: world.header.sessionEndBlockHeight + 1n }),
  ],
  ["a session that is over", "session_expired", ({ network, over }) => network.sign(over, "{}")],
  [
    "a session that is to come",
    "session_not_begun",
    (world) =>
      good(world, {
        sessionStartBlockHeight: world.header.sessionStartBlockHeight + 200n,
        sessionEndBlockHeight: world.header.sessionEndBlockHeight + 200n,
      }),
  ],
];

/** Refused like the others, but in optimistic mode signed with a key that the others are not. */
const HELD_ELSEWHERE: Hostile = [
  "a supplier that is ours and not in the session",
  "supplier_not_in_session",
  (world) => withMeta(good(world), { supplierOperatorAddress: world.network.newcomer.address }),
];

const bytesOf = (made: RelayRequest | Uint8Array): Uint8Array =>
  made instanceof Uint8Array ? made : RelayRequest.encode(made);

describe.each(["eager", "optimistic"] as const)("in %s mode", (mode) => {
  let world: World;
  beforeAll(async () => {
    const network = await startNetwork(mode, { webSocket: true, holdsNewcomer: true });
    await network.devnet.control("halt", {});
    const over = await headerAt(network, await chainHeight(network));
    await goTo(network, over.sessionEndBlockHeight + 2n);
    world = { network, over, header: await headerAt(network, await chainHeight(network)) };
  });
  afterAll(() => world.network.close());

  describe.each(TRANSPORTS)("over $name", ({ send, told, checksFirst = false }) => {
    const isChecked = mode === "eager" || checksFirst;
    test.each([...AT_ONCE, ...(isChecked ? [...WHEN_CHECKED, HELD_ELSEWHERE] : [])])(
      "%s is refused as %s, and reaches neither the backend nor the miner",
      async (_, reason, make) => {
        const { network } = world;
        const [calls, stored] = [network.backendCalls(), (await streamEntries(network, 0)).length];
        expect(await send(network, bytesOf(make(world)))).toEqual(told(REJECTS[reason]));
        expect(network.backendCalls()).toBe(calls);
        expect(await streamEntries(network, 0)).toHaveLength(stored);
      },
    );

    test("a relay that was taken is not taken again, from whichever ring member it is written", async () => {
      const { network } = world;
      const stored = (await streamEntries(network, 0)).length;
      const request = good(world);
      expect(await send(network, bytesOf(request))).toBe("served");
      expect(await streamEntries(network, stored + 1)).toHaveLength(stored + 1);
      const calls = network.backendCalls();
      for (const copy of [request, rotated(request)])
        expect(await send(network, bytesOf(copy))).toEqual(told(REJECTS.replayed));
      expect(network.backendCalls()).toBe(calls);
      expect(await streamEntries(network, 0)).toHaveLength(stored + 1);
    });

    if (!isChecked)
      test("what fails a check is served and not stored", async () => {
        const { network } = world;
        const stored = (await streamEntries(network, 0)).map(toHex);
        for (const [, , make] of WHEN_CHECKED)
          expect(await send(network, bytesOf(make(world)))).toBe("served");
        const last = good(world);
        expect(await send(network, bytesOf(last))).toBe("served");
        const after = (await streamEntries(network, stored.length + 1)).map(toHex);
        expect(after).toHaveLength(stored.length + 1);
      });
  });
});
