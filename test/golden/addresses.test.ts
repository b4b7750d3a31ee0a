import { createHash } from "node:crypto";
import { expect } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import {
  addressBytes,
  addressOf,
  encodeAddress,
  isAddress,
  moduleAddress,
} from "../../src/chain/protocol/address.ts";
import { parsePrivateKey, publicKeyOf, signDigest, verifyDigest } from "../../src/chain/protocol/ecdsa.ts";
import { loadWasmEcdsa, nativeEcdsa, nobleEcdsa } from "../../src/chain/protocol/ecdsa-tiers.ts";
import { reduceScalar } from "../../src/chain/protocol/scalar.ts";
import { Vectors } from "../kit/vectors.ts";

const vectors = new Vectors("addresses");
const wasmEcdsa = loadWasmEcdsa();
const sha256 = (hex: string): Uint8Array => createHash("sha256").update(fromHex(hex)).digest();

vectors.kind("key", (vector) => {
  const privateKey = fromHex(vector["private_key"]);
  const publicKey = publicKeyOf(privateKey);
  expect(toHex(publicKey)).toBe(vector["public_key"]);
  expect(addressOf(publicKey)).toBe(vector["address"]);
  expect(toHex(addressBytes(vector["address"]))).toBe(vector["address_bytes"]);
  expect(encodeAddress(fromHex(vector["address_bytes"]))).toBe(vector["address"]);
  const { message, signature } = vector["ecdsa"];
  const digest = sha256(message);
  expect(toHex(signDigest(privateKey, digest))).toBe(signature);
  expect(verifyDigest(publicKey, digest, fromHex(signature))).toBe(true);
  for (const ecdsa of [nobleEcdsa, wasmEcdsa, nativeEcdsa]) {
    expect(ecdsa && toHex(ecdsa.signDigest(reduceScalar(privateKey), digest)), ecdsa?.name).toBe(
      ecdsa && signature,
    );
  }
});

vectors.kind("ecdsa_verify", (vector) => {
  const verdict = verifyDigest(
    fromHex(vector["public_key"]),
    sha256(vector["message"]),
    fromHex(vector["signature"]),
  );
  expect(verdict).toBe(vector["verify"]);
});

vectors.kind("parse_hex_key", (vector) => {
  // Go takes the zero key, which signs nothing; it is refused here (relay-path 3.1).
  if (vector["result"] === "error" || vector.name === "zero key") {
    expect(() => parsePrivateKey(vector["input"])).toThrow(expect.objectContaining({ code: "KEYS_INVALID" }));
    return;
  }
  const privateKey = parsePrivateKey(vector["input"]);
  expect(toHex(privateKey)).toBe(vector["private_key"]);
  expect(addressOf(publicKeyOf(privateKey))).toBe(vector["address"]);
});

vectors.kind("decode_address", (vector) => {
  const { input, result } = vector;
  expect(isAddress(input)).toBe(result === "ok");
  if (result === "ok") expect(toHex(addressBytes(input))).toBe(vector["address_bytes"]);
  else expect(() => addressBytes(input)).toThrow(expect.objectContaining({ code: "BAD_ADDRESS" }));
});

vectors.kind("module_address", (vector) => {
  expect(moduleAddress(vector["module"])).toBe(vector["address"]);
});

vectors.done();
