import { createHash } from "node:crypto";
import { expect } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { AuthInfo, TxBody, TxRaw } from "../../src/chain/proto/tx.ts";
import { publicKeyOf, signDigest } from "../../src/chain/protocol/ecdsa.ts";
import { buildTx, signBytes } from "../../src/chain/protocol/tx/build.ts";
import { feeFor, gasLimitFor } from "../../src/chain/protocol/tx/fee.ts";
import { txTimeout } from "../../src/chain/protocol/tx/timeout.ts";
import { type VectorCase, Vectors } from "../kit/vectors.ts";

const vectors = new Vectors("tx");

type Timestamp = { seconds: string; nanos: number };
const nanoseconds = ({ seconds, nanos }: Timestamp) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);

function ordering({ unordered, sequence, timeout_height, timeout_timestamp }: VectorCase["input"]) {
  if (unordered) return { unordered: { timeoutNs: nanoseconds(timeout_timestamp) } };
  const timeout = timeout_timestamp === null ? {} : { timeoutNs: nanoseconds(timeout_timestamp) };
  return { ordered: { sequence: BigInt(sequence), timeoutHeight: BigInt(timeout_height), ...timeout } };
}

function checkTx(vector: VectorCase): void {
  const { input } = vector;
  const privateKey = fromHex(input.private_key);
  let digest: Uint8Array | undefined;
  const { bytes, hash } = buildTx({
    messages: input.messages.map((message: { type_url: string; value: string }) => ({
      typeUrl: message.type_url,
      value: fromHex(message.value),
    })),
    chainId: input.chain_id,
    accountNumber: BigInt(input.account_number),
    publicKey: publicKeyOf(privateKey),
    sign: (given) => {
      digest = given;
      return signDigest(privateKey, given);
    },
    fee: input.fee,
    gasLimit: BigInt(input.gas_limit),
    memo: input.memo,
    ...ordering(input),
  });
  const raw = TxRaw.decode(bytes);
  expect(toHex(raw.bodyBytes)).toBe(vector["tx_body_bytes"]);
  expect(toHex(raw.authInfoBytes)).toBe(vector["auth_info_bytes"]);
  const document = signBytes({
    ...raw,
    chainId: input.chain_id,
    accountNumber: BigInt(input.account_number),
  });
  expect(toHex(document)).toBe(vector["sign_doc_bytes"]);
  expect(toHex(digest ?? new Uint8Array())).toBe(vector["sign_doc_sha256"]);
  expect(createHash("sha256").update(document).digest("hex")).toBe(vector["sign_doc_sha256"]);
  expect(raw.signatures.map(toHex)).toEqual([vector["signature"]]);
  expect(toHex(bytes)).toBe(vector["tx_raw_bytes"]);
  expect(hash).toBe(vector["tx_hash"]);
  expect(toHex(TxBody.encode(TxBody.decode(raw.bodyBytes)))).toBe(vector["tx_body_bytes"]);
  expect(toHex(AuthInfo.encode(AuthInfo.decode(raw.authInfoBytes)))).toBe(vector["auth_info_bytes"]);
}

vectors.kind("tx", checkTx);
vectors.kind("chain_tx", checkTx);

vectors.kind("fee", (vector) => {
  const fee = feeFor(vector["gas_price"], BigInt(vector["gas_limit"]));
  expect(fee.map(({ amount, denom }) => amount + denom).join(",")).toBe(vector["fee"]);
});

vectors.kind("gas_limit", (vector) => {
  const adjustment = Buffer.from(vector["gas_adjustment"].bits, "hex").readDoubleBE();
  expect(gasLimitFor(BigInt(vector["simulated_gas"]), adjustment).toString()).toBe(vector["gas_limit"]);
});

vectors.kind("timeout", (vector) => {
  const timeout = txTimeout(BigInt(vector["window_left_ns"]), {
    skewNs: BigInt(vector["clock_skew_buffer_ns"]),
    defaultNs: BigInt(vector["default_ns"]),
    minNs: BigInt(vector["min_ns"]),
    maxNs: BigInt(vector["max_ns"]),
  });
  expect(timeout.durationNs.toString()).toBe(vector["timeout_ns"]);
  expect(timeout.rule).toBe(vector["rule"]);
});

vectors.done();
