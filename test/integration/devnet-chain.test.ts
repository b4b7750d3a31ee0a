import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { QUERIES } from "../../src/chain/proto/queries.ts";
import { MsgUnstakeSupplier } from "../../src/chain/proto/supplier.ts";
import { parseGasPrice } from "../../src/chain/protocol/tx/fee.ts";
import { executeBlock } from "../../src/devnet/chain/block.ts";
import { upokt } from "../../src/devnet/chain/coins.ts";
import { runTx } from "../../src/devnet/chain/execute.ts";
import { writeGenesis } from "../../src/devnet/chain/genesis-state.ts";
import { messageRegistry } from "../../src/devnet/chain/messages/registry.ts";
import { unstakeSupplier } from "../../src/devnet/chain/messages/supplier.ts";
import { promoteSharedParams, updateSharedParams } from "../../src/devnet/chain/params-update.ts";
import { answerQuery } from "../../src/devnet/chain/queries/answer.ts";
import { cosmosQueries } from "../../src/devnet/chain/queries/cosmos.ts";
import { pocketQueries } from "../../src/devnet/chain/queries/pocket.ts";
import { proofQueries } from "../../src/devnet/chain/queries/proofs.ts";
import { getSession } from "../../src/devnet/chain/sessions.ts";
import { decodeTx } from "../../src/devnet/chain/tx.ts";
import { storeClaim } from "../../src/devnet/keys.ts";
import * as money from "../../src/devnet/money/main.ts";
import { type ChainState, fork, liveParams, StateStore, setLiveParams } from "../../src/devnet/state.ts";
import { sortable } from "../../src/devnet/table.ts";
import { APP, GATEWAY, recordedGenesis, recording, SUPPLIER, WEBSOCKET_APP } from "../kit/recorded-chain.ts";
import { Vectors } from "../kit/vectors.ts";

const sessions = new Vectors("session").file.cases.filter((each) => each.kind === "chain_session");
const suppliers: readonly string[] = sessions[0]?.["supplier_operator_addresses"] ?? [];
const rules = { registry: messageRegistry(money), minGasPrice: parseGasPrice("0upokt") };
const queries = new Map([...pocketQueries(), ...proofQueries(), ...cosmosQueries(rules)]);

function recordedState(height = 1210n, timeNs = 0n, params = ""): ChainState {
  const state = fork(new StateStore("pocket").latest(), { height, timeNs });
  writeGenesis(state, recordedGenesis(suppliers, params));
  return state;
}

function ask(state: ChainState, { path, data }: { path: string; data: string }) {
  const handle = queries.get(path);
  if (handle === undefined) throw new Error(`no query ${path}`);
  return answerQuery(state, handle, fromHex(data));
}

describe("queries answer with the bytes of a real node", () => {
  const same = [
    "application",
    "application_all",
    "application_params",
    "auth_params",
    "bank_balance_unknown_address",
    "proof_all_claims_by_supplier_after_settlement",
    "proof_all_claims_page_of_2_after_settlement",
    "proof_all_claims_supplier_none",
    "proof_all_proofs_by_supplier_after_settlement",
    "proof_params",
    "service",
    "service_all",
    "service_compute_units_per_relay_at_height",
    "service_compute_units_per_relay_history",
    "service_params",
    "service_relay_mining_difficulty_at_height",
    "service_relay_mining_difficulty_at_height_1",
    "service_relay_mining_difficulty_never_updated",
    "session_params",
    "shared_params",
    "shared_params_at_height",
    "shared_params_at_height_1",
    "shared_params_at_height_future",
    "shared_params_at_height_zero",
    "supplier",
    "supplier_dehydrated",
    "supplier_params",
    "tokenomics_params",
  ];
  test.each(same)("%s", (name) => {
    const recorded = recording(`abci_query/${name}`);
    const answer = ask(recordedState(), recorded);
    expect(answer).toMatchObject({ code: 0, log: "" });
    expect(toHex(answer.value ?? new Uint8Array())).toBe(recorded.value);
  });

  const refused = [
    "application_bad_address",
    "application_empty_address",
    "application_not_found",
    "auth_account_not_found",
    "proof_claim_not_found",
    "proof_proof_not_found",
    "service_compute_units_per_relay_at_height_not_found",
    "service_not_found",
    "service_relay_mining_difficulty_at_height_not_found",
    "service_relay_mining_difficulty_not_found",
    "session_get_session_app_not_staked_for_service",
    "session_get_session_bad_address",
    "session_get_session_future_height",
    "session_get_session_unknown_app",
    "session_get_session_unknown_service",
    "shared_params_at_height_negative",
    "supplier_not_found",
  ];
  test.each(refused)("%s", (name) => {
    const recorded = recording(`abci_query/${name}`);
    const { code, codespace, log, height } = recorded.response.body.result.response;
    const answer = ask(recordedState(), recorded);
    expect(answer).toEqual({ code, codespace, log, value: undefined, height: BigInt(height) });
  });

  test("accounts: a key that is known, a module", () => {
    const state = recordedState();
    const gateway = recording("abci_query/auth_account_gateway");
    const account = state.accounts.get(GATEWAY);
    if (account === undefined) throw new Error("no gateway");
    state.accounts.set(GATEWAY, { ...account, accountNumber: 22n, sequence: 1n });
    expect(toHex(ask(state, gateway).value ?? new Uint8Array())).toBe(gateway.value);
    const module = recording("abci_query/auth_account_module_no_pubkey");
    const proof = "pokt1c8x6ycmzs29kjfn9zgzjh97txu578vzj4ahzhh";
    const own = state.accounts.get(proof);
    if (own === undefined) throw new Error("no module account");
    state.accounts.set(proof, { ...own, accountNumber: 31n });
    expect(toHex(ask(state, module).value ?? new Uint8Array())).toBe(module.value);
  });

  test.each(["after_claims", "after_proofs"])("claims by page %s", (when) => {
    const recorded = recording(`abci_query/proof_all_claims_page_of_2_${when}`);
    const byTwo = QUERIES.allClaims.response.decode(fromHex(recorded.value));
    const state = recordedState();
    for (const claim of byTwo.claims) storeClaim(state, claim);
    const [first] = byTwo.claims;
    if (first === undefined) throw new Error("no claim");
    storeClaim(state, { ...first, supplierOperatorAddress: SUPPLIER });
    const answer = QUERIES.allClaims.response.decode(ask(state, recorded).value ?? new Uint8Array());
    expect(answer.claims).toEqual(byTwo.claims);
    expect(answer.pagination?.nextKey).toEqual(byTwo.pagination?.nextKey);
  });
});

describe("sessions", () => {
  test.each(sessions)("$service_id at $query_height", (vector) => {
    const state = recordedState(BigInt(vector["query_height"]));
    const hash = fromHex(vector["hash_of_start_block"]);
    state.blockHashes.set(sortable(BigInt(vector["session_start_height"])), hash);
    const session = getSession(state, {
      applicationAddress: vector["application_address"],
      serviceId: vector["service_id"],
      height: BigInt(vector["query_height"]),
    });
    expect(session.sessionId).toBe(vector["session_id"]);
    expect(session.sessionNumber).toBe(BigInt(vector["session_number"]));
    expect(session.header).toMatchObject({
      sessionStartBlockHeight: BigInt(vector["session_start_height"]),
      sessionEndBlockHeight: BigInt(vector["session_end_height"]),
    });
    expect(session.suppliers.map((each) => each.operatorAddress)).toEqual(
      vector["supplier_operator_addresses"],
    );
  });

  test("GetSession has the bytes of the recorded one", () => {
    const vector = sessions.find((each) => each["query_height"] === "83");
    const recorded = recording("abci_query/session_get_session_at_height");
    const state = recordedState();
    state.blockHashes.set(sortable(81n), fromHex(vector?.["hash_of_start_block"]));
    expect(toHex(ask(state, recorded).value ?? new Uint8Array())).toBe(recorded.value);
  });
});

const BLOCK_TIME = 1_795_468_626_646_924_781n;
const SUPPLIER_KEY = fromHex("024fb8d08d440c3be1a0cf2fa46ba008c6b4d2373cc69875749ab6ae581223eb41");

/** The state that recorded transactions were checked on: gateway with number 22, supplier with 7, both known by key. */
function txState(timeNs = BLOCK_TIME): ChainState {
  const state = recordedState(1209n, timeNs);
  const set = (
    address: string,
    accountNumber: bigint,
    publicKey: Uint8Array | undefined,
    sequence: bigint,
  ) => {
    state.accounts.set(address, { address, accountNumber, sequence, publicKey, module: undefined });
    state.balances.set(address, 999_999_999_994n);
  };
  set(GATEWAY, 22n, state.accounts.get(GATEWAY)?.publicKey, 1n);
  set(SUPPLIER, 7n, SUPPLIER_KEY, 1n);
  return state;
}

const sentBytes = (recorded: { request: { body: { params: { tx: string } } } }) =>
  new Uint8Array(Buffer.from(recorded.request.body.params.tx, "base64"));

/** Recordings without inputs come from another day: their chain's clock was some time before the timeout. */
const clockOf = (recorded: { inputs?: unknown }, tx: Uint8Array) =>
  recorded.inputs === undefined
    ? (decodeTx(tx, rules.registry).timeoutNs ?? 0n) - 60_000_000_000n
    : BLOCK_TIME;

describe("CheckTx answers as a real node", () => {
  const answers = [
    "bad_signature",
    "claim_bad_root_length",
    "claim_bad_supplier_address",
    "claim_no_header",
    "claim_signed_by_another",
    "claim_too_late_passes_checktx",
    "empty",
    "fee_above_balance",
    "gas_zero",
    "no_fee",
    "ok_then_duplicate",
    "ordered_wrong_sequence",
    "out_of_gas",
    "proof_empty",
    "signer_has_no_account",
    "timeout_height_passed",
    "timeout_in_the_past",
    "timeout_over_ten_minutes",
    "unordered_with_sequence",
    "unordered_without_timeout",
    "wrong_account_number",
    "wrong_chain_id",
  ];
  test.each(answers)("%s", (name) => {
    const recorded = recording(`tx/broadcast_tx_sync_${name}`);
    const bytes = sentBytes(recorded);
    const { code, codespace, log } = recorded.response.body.result;
    const outcome = runTx(txState(clockOf(recorded, bytes)), bytes, "check", rules);
    expect({ code: outcome.code, codespace: outcome.codespace, log: outcome.log }).toEqual({
      code,
      codespace,
      log,
    });
  });

  test("garbage is a parse error", () => {
    const outcome = runTx(txState(), sentBytes(recording("tx/broadcast_tx_sync_garbage")), "check", rules);
    expect(outcome).toMatchObject({
      code: 2,
      codespace: "sdk",
      log: expect.stringMatching(/: tx parse error$/),
    });
  });

  test("a timeout that was used, by the same sender and by another one", () => {
    const state = txState();
    const send = (name: string) => {
      const recorded = recording(`tx/broadcast_tx_sync_${name}`);
      const { code, log } = runTx(state, sentBytes(recorded), "check", rules);
      expect({ code, log }).toEqual({
        code: recorded.response.body.result.code,
        log: recorded.response.body.result.log,
      });
    };
    send("ok_then_duplicate");
    send("same_timeout_after_inclusion");
    send("other_sender_may_use_the_same_timeout");
  });

  test("fees below the node's price", () => {
    const priced = { ...rules, minGasPrice: parseGasPrice("0.00001upokt") };
    const bytes = sentBytes(recording("tx/broadcast_tx_sync_ok_then_duplicate"));
    expect(runTx(txState(), bytes, "check", priced)).toMatchObject({
      code: 13,
      log: "insufficient fees; got: 1upokt required: 2upokt: insufficient fee",
    });
    expect(runTx(txState(), bytes, "deliver", priced).code).toBe(0);
  });
});

describe("delivered transactions", () => {
  test("a transfer has the recorded events, response and data", () => {
    const recorded = recording("tx/tx_lookup_ok").response.body.result;
    const bytes = new Uint8Array(Buffer.from(recorded.tx, "base64"));
    const outcome = runTx(txState(), bytes, "deliver", rules);
    expect(outcome).toMatchObject({ code: 0, log: "" });
    expect(Buffer.from(outcome.data ?? []).toString("base64")).toBe(recorded.tx_result.data);
    const plain = recorded.tx_result.events.map(
      ({ type, attributes }: { type: string; attributes: { key: string; value: string }[] }) => ({
        type,
        attributes: attributes.map(({ key, value }) => ({ key, value })),
      }),
    );
    expect(outcome.events).toEqual(plain);
    expect(Number(outcome.gasUsed)).toBeGreaterThan(50_000);
    expect(Number(outcome.gasUsed)).toBeLessThan(75_000);
  });

  test("a message that fails costs its fee and its nonce, and nothing else", () => {
    const recorded = recording("tx/tx_lookup_claim_too_late").response.body.result;
    const bytes = new Uint8Array(Buffer.from(recorded.tx, "base64"));
    const state = txState((decodeTx(bytes, rules.registry).timeoutNs ?? 0n) - 60_000_000_000n);
    const before = state.balances.get(SUPPLIER) ?? 0n;
    const outcome = runTx(state, bytes, "deliver", rules);
    expect(outcome).toMatchObject({ code: 1, codespace: "undefined", data: undefined });
    expect(outcome.log).toMatch(/^failed to execute message; message index: 0: rpc error: code = /);
    expect(outcome.events.map(({ type }) => type)).toEqual(
      recorded.tx_result.events.map(({ type }: { type: string }) => type),
    );
    expect(state.balances.get(SUPPLIER)).toBe(before - 1n);
    expect(runTx(state, bytes, "deliver", rules).code).toBe(18);
  });
});

describe("Simulate answers as a real node", () => {
  const stateless = [
    "claim_bad_app_address",
    "claim_bad_root_length",
    "claim_bad_service_id",
    "claim_bad_supplier_address",
    "claim_count_zero",
    "claim_empty_root",
    "claim_empty_session_id",
    "claim_end_equals_start",
    "claim_no_header",
    "claim_root_47",
    "claim_root_49",
    "claim_start_zero",
    "claim_sum_zero",
    "proof_empty",
  ];
  const position = / \[[^\]]*\]/;
  test.each(stateless)("%s", (name) => {
    const recorded = recording(`abci_query/tx_simulate_${name}`);
    const { code, codespace, log } = recorded.response.body.result.response;
    const answer = ask(txState(0n), recorded);
    expect({ ...answer, log: answer.log.replace(position, "") }).toMatchObject({
      code,
      codespace,
      log: log.replace(position, ""),
      value: undefined,
    });
  });

  test.each(["ok", "bad_signature"])("%s: all but the gas is the same", (name) => {
    const recorded = recording(`abci_query/tx_simulate_${name}`);
    const answer = ask(txState(), recorded);
    expect(answer.log).toBe("");
    const own = QUERIES.simulate.response.decode(answer.value ?? new Uint8Array());
    const real = QUERIES.simulate.response.decode(fromHex(recorded.value));
    expect(own.result).toEqual(real.result);
    expect(own.gasInfo?.gasWanted).toBe(real.gasInfo?.gasWanted);
    const [used, recordedUse] = [own.gasInfo?.gasUsed ?? 0n, real.gasInfo?.gasUsed ?? 0n];
    expect(used > (recordedUse * 8n) / 10n && used < (recordedUse * 12n) / 10n).toBe(true);
  });
});

/** Session grid of the second recorded chain, whose length changed from 10 to 12 blocks in session 76. */
function secondChain(height: bigint): ChainState {
  const state = recordedState(height);
  setLiveParams(state, "shared", {
    ...liveParams(state, "shared"),
    claimWindowCloseOffsetBlocks: 4n,
    proofWindowCloseOffsetBlocks: 4n,
    supplierUnbondingPeriodSessions: 1n,
    applicationUnbondingPeriodSessions: 1n,
  });
  const sent = fork(state, { height: 757n });
  updateSharedParams(sent, {
    ...liveParams(sent, "shared"),
    numBlocksPerSession: 12n,
    claimWindowOpenOffsetBlocks: 2n,
    computeUnitsToTokensMultiplier: 200n,
  });
  sent.commit();
  if (height <= 761n) return state;
  const promoted = fork(state, { height: 761n });
  promoteSharedParams(promoted);
  promoted.commit();
  return state;
}

describe("params by height have the bytes of a real node", () => {
  test.each([750, 757, 760, 761])("%i", (height) => {
    const recorded = recording(`abci_query/shared_params_at_height_${height}_after_updates`);
    expect(toHex(ask(secondChain(1701n), recorded).value ?? new Uint8Array())).toBe(recorded.value);
  });
});

describe("blocks have the events of a real node", () => {
  type Recorded = { type: string; attributes: { key: string; value: string }[] };
  const recordedEvents = (name: string): Recorded[] =>
    recording(`cometbft/${name}`).response.body.result.finalize_block_events.map(
      ({ type, attributes }: Recorded) => ({
        type,
        attributes: attributes.map(({ key, value }) => ({ key, value })),
      }),
    );
  const endBlock = (
    events: readonly { type: string; attributes: readonly { key: string; value: string }[] }[],
  ) => events.filter(({ attributes }) => attributes.at(-1)?.value === "EndBlock");
  const execute = (state: ChainState) =>
    executeBlock(
      fork(state, { height: state.height - 1n }),
      { height: state.height, timeNs: 1n, hash: new Uint8Array(32), txs: [], interventions: [] },
      { ...rules, hooks: money },
    );

  test("an empty one", () => {
    const { events } = execute(recordedState(1205n));
    const shape = (list: readonly { type: string; attributes: readonly { key: string }[] }[]) =>
      list.map(({ type, attributes }) => [type, ...attributes.map(({ key }) => key)]);
    expect(shape(events)).toEqual(shape(recordedEvents("block_results_empty")));
  });

  test("the end of a supplier's unbonding, after a change of the session length", () => {
    const operatorAddress = "pokt1m7tn3834h6xj6r3d7mvrh3c065fp6yz459q375";
    const state = secondChain(772n);
    const supplier = state.suppliers.get(operatorAddress);
    if (supplier === undefined) throw new Error("no supplier");
    state.suppliers.set(operatorAddress, {
      ...supplier,
      stake: upokt(2_750_000n),
      unstakeSessionEndHeight: 760n,
    });
    state.unstakingSuppliers.set(operatorAddress, true);
    expect(endBlock(execute(fork(state, { height: 771n })).events)).toEqual([]);
    expect(endBlock(execute(state).events)).toEqual(
      endBlock(recordedEvents("block_results_supplier_unbonding_end")),
    );
  });

  test("the end of applications' unbonding, one of them below the minimum stake", () => {
    const state = secondChain(784n);
    const leave = (address: string, stake: bigint) => {
      const application = state.applications.get(address);
      if (application === undefined) throw new Error("no application");
      state.applications.set(address, { ...application, stake: upokt(stake), unstakeSessionEndHeight: 772n });
    };
    leave(WEBSOCKET_APP, 10_000_000_000n);
    leave(APP, 2n);
    const outcome = execute(state);
    expect(endBlock(outcome.events)).toEqual(
      endBlock(recordedEvents("block_results_application_unbonding_end")),
    );
    expect(outcome.state.applications.get(APP)).toBeUndefined();
  });
});

const LEAVER = "pokt1m7tn3834h6xj6r3d7mvrh3c065fp6yz459q375";
const RETURNER = "pokt1yht4xtvkwkd4dqqay8qzqyed4fc6janq9vmzat";

/** What the second chain had done before each of the recorded transactions. */
function prepare(state: ChainState, name: string): void {
  for (const address of [LEAVER, RETURNER]) {
    const supplier = state.suppliers.get(address);
    if (supplier !== undefined) state.suppliers.set(address, { ...supplier, stake: upokt(2_750_000n) });
  }
  const application = state.applications.get(APP);
  if (application === undefined) throw new Error("no application");
  const delegateeGatewayAddresses = name === "app_delegate" ? [] : [GATEWAY];
  state.applications.set(APP, { ...application, stake: upokt(192_300_000n), delegateeGatewayAddresses });
  if (name !== "supplier_restake") return;
  const before = fork(state, { height: 757n });
  unstakeSupplier
    .decode(MsgUnstakeSupplier.encode({ signer: RETURNER, operatorAddress: RETURNER }))
    .run(before, { height: 757n, timeMs: 0, emit: () => {} });
  before.commit();
}

describe("stake messages have the events of a real node", () => {
  test.each(["app_delegate", "app_undelegate", "app_unstake", "supplier_unstake", "supplier_restake"])(
    "%s",
    (name) => {
      const { tx, tx_result, height } = recording(`tx/tx_lookup_${name}`).response.body.result;
      const bytes = new Uint8Array(Buffer.from(tx, "base64"));
      const decoded = decodeTx(bytes, rules.registry);
      const state = fork(secondChain(BigInt(height)), {
        timeNs: (decoded.timeoutNs ?? 60_000_000_000n) - 60_000_000_000n,
      });
      prepare(state, name);
      const outcome = runTx(state, bytes, "simulate", rules);
      const own = outcome.events.filter(({ attributes }) => attributes.at(-1)?.key === "msg_index");
      const real = tx_result.events.filter(({ attributes }: { attributes: { key: string }[] }) =>
        attributes.some(({ key }) => key === "msg_index"),
      );
      expect(outcome.log).toBe("");
      expect(own).toEqual(
        real.map(({ type, attributes }: { type: string; attributes: { key: string; value: string }[] }) => ({
          type,
          attributes: attributes.map(({ key, value }) => ({ key, value })),
        })),
      );
      expect(Buffer.from(outcome.data ?? []).toString("base64")).toBe(tx_result.data);
    },
  );
});
