/** What decoding, hashing and signing of a relay cost without its ring signature. */
import { randomBytes } from "node:crypto";
import { RelayRequest } from "../../dist/chain/proto/service.js";
import { signDigest } from "../../dist/chain/protocol/ecdsa.js";
import { mineRelay, requestDigest } from "../../dist/chain/protocol/relay-hash.js";
import { buildResponse } from "../../dist/chain/protocol/response-signature.js";

const bytes = (length) => new Uint8Array(randomBytes(length));

/** A task for `measured`: one relay of about 1 KB. */
export function codecTasks() {
  const supplier = bytes(32);
  const sessionHeader = {
    applicationAddress: "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4",
    serviceId: "anvil",
    sessionId: "80b70af2f8b2b60b77273592a8d1d4dccdd41182296a2227dda8c2dc88df383e",
    sessionStartBlockHeight: 71n,
    sessionEndBlockHeight: 80n,
  };
  const supplierOperatorAddress = "pokt19a3t4yunp0dlpfjrp7qwnzwlrzd5fzs2gjaaaj";
  const meta = { sessionHeader, signature: bytes(199), supplierOperatorAddress };
  const request = RelayRequest.encode({ meta, payload: bytes(600) });
  const payload = bytes(300);
  const sign = (digest) => signDigest(supplier, digest);
  const run = () => {
    const decoded = RelayRequest.decode(request);
    requestDigest(decoded);
    return mineRelay(decoded, buildResponse({ request: decoded, payload, sign }));
  };
  return { relay_codec_and_sign: { times: 200, run } };
}
