import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { addApplication, recorder, stateAt } from "../../../test/kit/money-state.ts";
import { VECTORS_DIR } from "../../../test/kit/vectors.ts";
import { fromHex } from "../../base/bytes.ts";
import { MsgCreateClaim, MsgSubmitProof } from "../../chain/proto/proof.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { TxBody, TxRaw } from "../../chain/proto/tx.ts";
import { SimulateRequest } from "../../chain/proto/tx-result.ts";
import { addressOf } from "../../chain/protocol/address.ts";
import { verifyClosestProof } from "../../smst/verify.ts";
import { setPublicKey } from "../chain/accounts.ts";
import { claimKey, storeClaim } from "../keys.ts";
import { StateStore } from "../state.ts";
import { sortable } from "../table.ts";
import { endBlockProofs, statelessProblem } from "./main.ts";
import { readProof } from "./proof-relay.ts";
import { relayText } from "./relay-checks.ts";

// Claims and proofs that were sent to a real chain, with what it said to them.

type Recording = {
  readonly data: string;
  readonly response: { readonly body: { readonly result: { readonly response: { readonly log: string } } } };
};

const FOLDER = `${VECTORS_DIR}/recordings/abci_query`;

function recordedMessage(name: string): { message: MsgCreateClaim | MsgSubmitProof; log: string } {
  const { data, response } = JSON.parse(readFileSync(`${FOLDER}/${name}.json`, "utf8")) as Recording;
  const raw = TxRaw.decode(SimulateRequest.decode(fromHex(data)).txBytes);
  const [first] = TxBody.decode(raw.bodyBytes).messages;
  if (first === undefined) throw new TypeError(`no message in ${name}`);
  const codec = first.typeUrl.endsWith("MsgCreateClaim") ? MsgCreateClaim : MsgSubmitProof;
  return { message: codec.decode(first.value), log: response.body.result.response.log };
}

/** The log of a failed simulation without what stands around the error's text (chain 4.4). */
const errorText = (log: string): string =>
  log.replace("rpc error: code = Unknown desc = ", "").replace(/ \[[^[]*$/, "");

const names = readdirSync(FOLDER)
  .filter((file) => /^tx_simulate_(claim|proof)_/.test(file))
  .map((file) => file.replace(".json", ""));

describe("what the chain refuses without a look at its state", () => {
  test.each(names)("%s", (name) => {
    const { message, log } = recordedMessage(name);
    const stateful =
      log === "" || log.includes("failed to execute message") || /pubKey does not match/.test(log);
    expect(statelessProblem(message)?.text).toBe(stateful ? undefined : errorText(log));
  });
});

describe("what the chain refuses in a proof by its own contents", () => {
  test.each(["garbage", "truncated", "nores", "nosig", "relayend", "relayhdr", "relaysup"])("%s", (kind) => {
    const { message, log } = recordedMessage(`tx_simulate_proof_${kind}`);
    const { proof, sessionHeader, supplierOperatorAddress } = message as MsgSubmitProof;
    const read = readProof(proof);
    const text =
      "problem" in read
        ? read.problem
        : relayText(read.relay, supplierOperatorAddress, sessionHeader as SessionHeader);
    expect(
      `failed to execute message; message index: 0: rpc error: code = FailedPrecondition desc = ${text}`,
    ).toBe(errorText(log));
  });

  test("nothing in a good one", () => {
    const { message } = recordedMessage("tx_simulate_proof_ok");
    const { proof, sessionHeader, supplierOperatorAddress } = message as MsgSubmitProof;
    const read = readProof(proof);
    if ("problem" in read) throw new TypeError(read.problem);
    expect(relayText(read.relay, supplierOperatorAddress, sessionHeader as SessionHeader)).toBeUndefined();
  });
});

test("a recorded proof: both signatures and the trie hold", () => {
  const claim = recordedMessage("tx_simulate_claim_ok").message as MsgCreateClaim;
  const { message } = recordedMessage("tx_simulate_proof_ok");
  const { proof, supplierOperatorAddress: supplier } = message as MsgSubmitProof;
  const header = message.sessionHeader as SessionHeader;
  expect(claim.sessionHeader).toEqual(header);
  const read = readProof(proof);
  if ("problem" in read) throw new TypeError(read.problem);
  expect(verifyClosestProof(read.proof, claim.rootHash)).toBe(true);

  const state = stateAt(new StateStore("pocket"), 427n);
  // the ring's two keys stand in the signature: number, challenge and key image come first
  const signature = read.relay.req?.meta.signature ?? new Uint8Array();
  const keys = [0, 1].map((index) => signature.slice(69 + 65 * index + 32, 69 + 65 * (index + 1)));
  const others = keys.map(addressOf).filter((address) => address !== header.applicationAddress);
  expect(others).toHaveLength(1);
  addApplication(state, header.applicationAddress, {
    serviceId: header.serviceId,
    stake: 1n,
    delegateeGatewayAddresses: others,
  });
  for (const key of keys) setPublicKey(state, key);
  setPublicKey(state, SUPPLIER_KEY);
  expect(addressOf(SUPPLIER_KEY)).toBe(supplier);
  state.blockHashes.set(sortable(425n), new Uint8Array(32));
  storeClaim(state, { ...claim, proofValidationStatus: 0 });
  state.proofs.set(claimKey(header.sessionId, supplier), {
    supplierOperatorAddress: supplier,
    sessionHeader: header,
    closestMerkleProof: proof,
  });
  const { ctx, events } = recorder(state);
  endBlockProofs(state, ctx);
  // the seed block's hash was not recorded: the path is all that is left to fail
  expect(events[0]?.attributes.find(({ key }) => key === "failure_reason")?.value).toMatch(
    /^"the path of the proof provided \(f64858d378397f15c3ee6c54118a5722b69495a261a3e0d16c53604b22b0c769\) does not match/,
  );
});

/** As the recorded transactions carry it. */
const SUPPLIER_KEY = fromHex("024fb8d08d440c3be1a0cf2fa46ba008c6b4d2373cc69875749ab6ae581223eb41");
