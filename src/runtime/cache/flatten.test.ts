import { expect, test } from "vitest";
import { differences, flatten } from "./flatten.ts";

const application = {
  address: "pokt1a",
  stake: { denom: "upokt", amount: "100" },
  serviceConfigs: [{ serviceId: "eth" }, { serviceId: "anvil" }],
  pendingUndelegations: new Map([[40n, { gatewayAddresses: ["pokt1g"] }]]),
  unstakeSessionEndHeight: 0n,
  pendingTransfer: undefined,
};

test("every field of a message gets a name and a text", () => {
  expect([...flatten(application)]).toEqual([
    ["address", "pokt1a"],
    ["stake", "100upokt"],
    ["serviceConfigs[0].serviceId", "eth"],
    ["serviceConfigs[1].serviceId", "anvil"],
    ["pendingUndelegations[40].gatewayAddresses[0]", "pokt1g"],
    ["unstakeSessionEndHeight", "0"],
  ]);
  expect([...flatten(new Uint8Array([2, 255]))]).toEqual([["", "02ff"]]);
});

test("differences name the field and both values, and what only one side has", () => {
  expect(differences(application, application)).toEqual([]);
  const now = {
    ...application,
    stake: { denom: "upokt", amount: "90" },
    serviceConfigs: [{ serviceId: "eth" }],
  };
  expect(differences(application, now)).toEqual([
    { field: "stake", shared: "100upokt", chain: "90upokt" },
    { field: "serviceConfigs[1].serviceId", shared: "anvil", chain: undefined },
  ]);
});
