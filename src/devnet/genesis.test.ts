import { describe, expect, test } from "vitest";
import { toHex } from "../base/bytes.ts";
import { addressOf } from "../chain/protocol/address.ts";
import { parseGenesis } from "./genesis.ts";

const KEY = "11".repeat(32);

describe("a genesis", () => {
  test("may be empty", () => {
    const genesis = parseGenesis("");
    expect(genesis).toMatchObject({ chainId: "pocket", blockTimeMs: 1000, services: [] });
    expect(genesis.params.shared.numBlocksPerSession).toBe(10n);
    expect(genesis.accounts.map(({ name }) => name)).toEqual([
      "governor",
      "dao",
      "source-owner",
      "validator",
    ]);
  });

  test("makes keys from its seed and the name, or takes them", () => {
    const keyOf = (text: string) => parseGenesis(text).accounts[0];
    const one = keyOf("seed: a\naccounts: [{name: x}]");
    expect(one?.address).toBe(addressOf(one?.publicKey ?? new Uint8Array()));
    expect(keyOf("seed: a\naccounts: [{name: x}]")?.address).toBe(one?.address);
    expect(keyOf("seed: b\naccounts: [{name: x}]")?.address).not.toBe(one?.address);
    expect(keyOf("seed: a\naccounts: [{name: y}]")?.address).not.toBe(one?.address);
    expect(toHex(keyOf(`accounts: [{name: x, key: "0x${KEY}"}]`)?.privateKey ?? new Uint8Array())).toBe(KEY);
  });

  test("resolves names, and fills in revenue shares and amounts", () => {
    const genesis = parseGenesis(`
services: [{id: s, compute_units_per_relay: 5}]
accounts: [{name: owner, balance: 7upokt}]
suppliers:
  - {name: one, owner: owner, stake: 9upokt, services: [{id: s}]}
  - {name: two, services: [{id: s, rev_share: {two: 60, owner: 40}}]}
applications: [{name: app, services: [s]}]
`);
    const [owner] = genesis.accounts;
    expect(owner?.balance).toBe(7n);
    expect(genesis.suppliers[0]).toMatchObject({ ownerAddress: owner?.address, stake: { amount: "9" } });
    const shares = genesis.serviceConfigs.map(({ service }) =>
      service?.revShare.map(({ revSharePercentage }) => revSharePercentage),
    );
    expect(shares).toEqual([[100n], [60n, 40n]]);
    expect(genesis.serviceConfigs[0]).toMatchObject({ activationHeight: 1n, deactivationHeight: 0n });
  });
});

test.each([
  ["chain_id: [", /not a genesis/],
  ["chain_idd: x", /line 1: unknown key chain_idd/],
  ["chain_id: x\nblock_time_ms: 100", /line 2: block_time_ms: blocks take at least 200 ms/],
  ["services:\n  - {id: a}\n  - {id: 'a b'}", /line 3: services\.1\.id: a service id has 1 to 42/],
  ["services: [{id: a}, {id: a}]", /service id is given twice/],
  ["accounts: [{name: x}, {name: x}]", /the name "x" is given twice/],
  [`accounts: [{name: x, key: "${KEY}"}, {name: y, key: "${KEY}"}]`, /has the address of another one/],
  ["accounts: [{name: x, key: zz}]", /x: a private key has hex digits only/],
  ["accounts: [{name: x, address: pokt1xx}]", /x: pokt1xx is not an address/],
  ["applications: [{name: x, services: [nothing]}]", /names the unknown service "nothing"/],
  ["services: [{id: s}]\nsuppliers: [{name: x, services: [{id: t}]}]", /names the unknown service "t"/],
  [
    "services: [{id: s}]\nsuppliers: [{name: x, services: [{id: s, rev_share: {x: 99}}]}]",
    /add up to 99, not 100/,
  ],
  [
    "services: [{id: s}]\nsuppliers: [{name: x, owner: stranger, services: [{id: s}]}]",
    /"stranger" is neither a name/,
  ],
  [
    "params: {shared: {grace_period_end_offset_blocks: 2}}",
    /ClaimWindowOpenOffsetBlocks \(1\) must be at least/,
  ],
  ["params:\n  proof:\n    proof_request_probability: 2", /line 3: params\.proof\.proof_request_probability/],
])("%s is refused", (text, message) => {
  expect(() => parseGenesis(text)).toThrow(
    expect.objectContaining({ code: "GENESIS_INVALID", message: expect.stringMatching(message) }),
  );
});
