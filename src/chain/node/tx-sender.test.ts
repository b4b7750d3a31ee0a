import { expect, test } from "vitest";
import { AppError } from "../../base/errors.ts";
import { Any, BaseAccount } from "../proto/cosmos.ts";
import { Claim } from "../proto/proof.ts";
import { QUERIES } from "../proto/queries.ts";
import { AuthInfo, TxBody, TxRaw } from "../proto/tx.ts";
import { claimsOf } from "./queries.ts";
import { sendTx, type TxOrder } from "./tx-sender.ts";
import type { ChainClient } from "./types.ts";

type Faked = {
  readonly sent: Uint8Array[];
  readonly simulated: Uint8Array[];
  readonly client: TxOrder["client"];
};

const ADDRESS = "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4";

function fake(broadcast?: () => never): Faked {
  const sent: Uint8Array[] = [];
  const simulated: Uint8Array[] = [];
  const query = (async (asked: { path: string }) => {
    if (asked.path !== QUERIES.account.path) throw new Error(`not asked: ${asked.path}`);
    const value = BaseAccount.encode(BaseAccount.create({ address: ADDRESS, accountNumber: 7n }));
    return QUERIES.account.response.create({
      account: Any.create({ typeUrl: "/cosmos.auth.v1beta1.BaseAccount", value }),
    });
  }) as ChainClient["query"];
  const client: TxOrder["client"] = {
    query,
    simulate: async (tx) => {
      simulated.push(tx);
      return { gasUsed: 100_000n };
    },
    broadcast: async (tx) => {
      sent.push(tx);
      broadcast?.();
      return { hash: "ignored", code: 0, codespace: "", log: "" };
    },
  };
  return { sent, simulated, client };
}

const order = (client: TxOrder["client"]): TxOrder => ({
  client,
  messages: [Any.create({ typeUrl: "/pocket.proof.MsgCreateClaim", value: new Uint8Array([1]) })],
  signer: { address: ADDRESS, publicKey: new Uint8Array(33).fill(2), sign: () => new Uint8Array(64).fill(9) },
  chainId: "pocket",
  gas: { limit: 0n, price: "0.001upokt", adjustment: 1.5 },
  timeoutNs: 1_800_000_000_123_456_789n,
});

const authInfo = (tx: Uint8Array | undefined) =>
  AuthInfo.decode(TxRaw.decode(tx ?? new Uint8Array()).authInfoBytes);

test("simulates without a fee, then sends with the gas and fee that follow", async () => {
  const { client, sent, simulated } = fake();
  const result = await sendTx(order(client));
  expect(authInfo(simulated[0]).fee).toMatchObject({ amount: [], gasLimit: 0n });
  expect(authInfo(sent[0]).fee).toMatchObject({
    amount: [{ denom: "upokt", amount: "150" }],
    gasLimit: 150_000n,
  });
  const body = TxBody.decode(TxRaw.decode(sent[0] ?? new Uint8Array()).bodyBytes);
  expect(body).toMatchObject({
    unordered: true,
    timeoutTimestamp: { seconds: 1_800_000_000n, nanos: 123_456_789 },
  });
  expect(result).toMatchObject({ code: 0, gasLimit: 150_000n, feeUpokt: 150n });
  expect(result.hash).toMatch(/^[0-9A-F]{64}$/);
});

test("a fixed limit needs no simulation, a known account no query", async () => {
  const { client, sent, simulated } = fake();
  const known = {
    ...order(client),
    accountNumber: 7n,
    gas: { limit: 5_000n, price: "0upokt", adjustment: 1 },
  };
  expect(await sendTx(known)).toMatchObject({ gasLimit: 5_000n, feeUpokt: 0n });
  expect(simulated).toHaveLength(0);
  expect(authInfo(sent[0]).fee).toMatchObject({ amount: [], gasLimit: 5_000n });
});

test("an unanswered broadcast tells the hash under which the transaction may still be included", async () => {
  const { client } = fake(() => {
    throw new AppError("CHAIN_TIMEOUT", "late", { endpoint: "x" });
  });
  const sending = sendTx(order(client));
  await expect(sending).rejects.toMatchObject({
    code: "CHAIN_TIMEOUT",
    fields: { endpoint: "x", hash: expect.stringMatching(/^[0-9A-F]{64}$/) },
  });
});

test("a signer without an account is told before anything is sent", async () => {
  const { client, sent } = fake();
  const query = () => Promise.reject(new AppError("CHAIN_NOT_FOUND", "no"));
  await expect(sendTx(order({ ...client, query }))).rejects.toMatchObject({
    code: "CHAIN_NOT_FOUND",
    fields: { address: ADDRESS },
  });
  expect(sent).toHaveLength(0);
});

test("claims are read over all pages", async () => {
  const keys: string[] = [];
  const query = (async (_: unknown, request: { pagination?: { key: Uint8Array; limit: bigint } }) => {
    const key = Buffer.from(request.pagination?.key ?? []).toString();
    keys.push(key);
    const nextKey = Buffer.from({ "": "second", second: "third" }[key] ?? "");
    return QUERIES.allClaims.response.create({
      claims: [Claim.create({ supplierOperatorAddress: key })],
      pagination: { nextKey: new Uint8Array(nextKey), total: 0n },
    });
  }) as ChainClient["query"];
  const claims = await claimsOf({ query }, ADDRESS);
  expect(keys).toEqual(["", "second", "third"]);
  expect(claims.map(({ supplierOperatorAddress }) => supplierOperatorAddress)).toEqual([
    "",
    "second",
    "third",
  ]);
});
