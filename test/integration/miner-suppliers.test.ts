import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import { Supplier } from "../../src/chain/proto/shared.ts";
import { recordSupplier } from "../../src/runtime/miner/suppliers.ts";
import {
  type SupplierRecords,
  type SupplierUpdate,
  supplierRecords,
} from "../../src/runtime/redis/supplier-records.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";

const ADDRESS = "pokt1supplier";
let own: TestRedis;
let records: SupplierRecords;
let answer: () => Supplier;
const updates: SupplierUpdate[] = [];

beforeAll(async () => {
  own = await testRedis();
  records = supplierRecords({ redis: own.redis, keys: own.keys, logger: own.logger });
  await records.onUpdate((update) => void updates.push(update));
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
  updates.length = 0;
  failed.length = 0;
});

const config = (serviceId: string, rpcType = 3) => ({
  serviceId,
  endpoints: [{ url: "http://x", rpcType, configs: [] }],
  revShare: [],
});

const history = (serviceId: string, activationHeight: bigint, deactivationHeight = 0n) => ({
  operatorAddress: ADDRESS,
  service: config(serviceId),
  activationHeight,
  deactivationHeight,
});

const staked = (parts: Partial<Supplier> = {}): Supplier =>
  Supplier.create({
    operatorAddress: ADDRESS,
    ownerAddress: "pokt1owner",
    serviceConfigHistory: [history("svc", 1n)],
    ...parts,
  });

const failed: string[] = [];
const options = () => ({
  chain: { caches: { supplier: { refresh: async () => answer() } } } as never,
  records,
  instance: "m1",
  clock: systemClock,
  logger: own.logger,
  failed: (address: string) => void failed.push(address),
});
const look = (height = 10n) => recordSupplier(ADDRESS, height, options());

const refuse = (code: string) => () => {
  throw new AppError(code, "scripted");
};

test("a staked supplier is written down with the services of this height, and told once", async () => {
  answer = () =>
    staked({ serviceConfigHistory: [history("old", 1n, 10n), history("svc", 5n), history("next", 11n)] });
  await look();
  expect(await records.read(ADDRESS)).toMatchObject({
    status: "active",
    staked: true,
    services: ["svc"],
    stakedEndpoints: [{ serviceId: "svc", rpcType: "jsonrpc" }],
    ownerAddress: "pokt1owner",
    updatedBy: "m1",
  });
  await expect
    .poll(() => updates)
    .toMatchObject([{ action: "add", operatorAddress: ADDRESS, services: ["svc"] }]);
  await look();
  await look(11n);
  expect((await records.read(ADDRESS))?.services).toEqual(["svc", "next"]);
  await expect.poll(() => updates.map(({ action }) => action)).toEqual(["add", "update"]);
});

test("only NotFound makes it unstaked", async () => {
  answer = () => staked();
  await look();
  for (const code of ["CHAIN_UNREACHABLE", "CHAIN_TIMEOUT", "CHAIN_REFUSED", "CHAIN_BAD_ANSWER"]) {
    answer = refuse(code);
    await look();
    expect([code, (await records.read(ADDRESS))?.status]).toEqual([code, "active"]);
  }
  answer = refuse("CHAIN_NOT_FOUND");
  await look();
  expect(await records.read(ADDRESS)).toMatchObject({ status: "not_staked", staked: false, services: [] });
  await expect.poll(() => updates.map(({ action }) => action)).toEqual(["add", "update"]);
});

test("a supplier that is unstaking keeps its services until then, and the change is told", async () => {
  answer = () => staked();
  await look();
  answer = () => staked({ unstakeSessionEndHeight: 40n });
  await look();
  expect(await records.read(ADDRESS)).toMatchObject({
    status: "unstaking",
    staked: true,
    services: ["svc"],
    unstakeSessionEndHeight: 40n,
  });
  await expect.poll(() => updates).toHaveLength(2);
});

test("staked without a service at this height: the old record stays", async () => {
  answer = () => staked();
  await look();
  await expect.poll(() => updates).toHaveLength(1);
  answer = () => staked({ serviceConfigHistory: [history("later", 100n)] });
  await look();
  expect((await records.read(ADDRESS))?.services).toEqual(["svc"]);
});

test("an endpoint that changed its kind is told, though the services are the same", async () => {
  answer = () => staked();
  await look();
  const grpc = { ...history("svc", 1n), service: config("svc", 1) };
  answer = () => staked({ serviceConfigHistory: [grpc] });
  await look();
  await expect.poll(() => updates.map(({ action }) => action)).toEqual(["add", "update"]);
});

test("what cannot be written down, and what Redis refuses, is counted, and told with the supplier's name; others are written", async () => {
  const told = () => own.logger.lines.filter(({ message }) => message.includes("could not be recorded"));
  const before = told().length;
  // No JSON has a symbol.
  answer = () => staked({ ownerAddress: Symbol("poison") as never });
  await look();
  expect(await records.read(ADDRESS)).toBeUndefined();
  expect(failed).toEqual([ADDRESS]);
  // A Redis that answers every write to the list of suppliers with an error, here of one that is not staked.
  await own.redis.commands.send("SET", own.keys.registryIndex, "not a set");
  answer = refuse("CHAIN_NOT_FOUND");
  await look();
  expect(failed).toEqual([ADDRESS, ADDRESS]);
  expect(told().slice(before)).toMatchObject([
    { level: "warn", fields: { supplier: ADDRESS } },
    { level: "warn", fields: { supplier: ADDRESS, error: expect.stringContaining("WRONGTYPE") } },
  ]);
  await own.redis.commands.send("DEL", own.keys.registryIndex);
  answer = () => staked({ operatorAddress: "pokt1other" });
  await recordSupplier("pokt1other", 10n, options());
  expect((await records.read("pokt1other"))?.services).toEqual(["svc"]);
  expect(failed).toHaveLength(2);
});
