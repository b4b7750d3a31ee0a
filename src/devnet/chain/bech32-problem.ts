import { bech32 } from "@scure/base";
import { addressBytes } from "../../chain/protocol/address.ts";

const CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECKSUM = 6;

/** Why the chain takes a text for no address, in its words; undefined for an address (recordings/abci_query/*bad*address). */
export function addressProblem(text: string): string | undefined {
  try {
    addressBytes(text);
    return undefined;
  } catch {
    if (text.trim() === "") return "empty address string is not allowed";
    const problem = bech32Problem(text);
    if (problem !== undefined) return `decoding bech32 failed: ${problem}`;
    const prefix = text.slice(0, text.lastIndexOf("1")).toLowerCase();
    return prefix === "pokt"
      ? "address length must be between 1 and 255"
      : `invalid Bech32 prefix; expected pokt, got ${prefix}`;
  }
}

function bech32Problem(text: string): string | undefined {
  if (text.length < 8 || text.length > 1023) return `invalid bech32 string length ${text.length}`;
  const odd = [...text].find((character) => character < "!" || character > "~");
  if (odd !== undefined) return `invalid character in string: '${odd}'`;
  const lower = text.toLowerCase();
  if (lower !== text && text.toUpperCase() !== text) return "string not all lowercase or all uppercase";
  const separator = lower.lastIndexOf("1");
  if (separator < 1 || separator + 7 > lower.length) return `invalid separator index ${separator}`;
  const data = [...lower.slice(separator + 1)];
  const wrong = data.find((character) => !CHARSET.includes(character));
  if (wrong !== undefined) return `invalid character not part of charset: ${wrong.charCodeAt(0)}`;
  return checksumProblem(lower.slice(0, separator), data);
}

function checksumProblem(prefix: string, data: readonly string[]): string | undefined {
  const words = data.slice(0, -CHECKSUM).map((character) => CHARSET.indexOf(character));
  const expected = bech32.encode(prefix, words, false).slice(-CHECKSUM);
  const got = data.slice(-CHECKSUM).join("");
  if (got !== expected) return `invalid checksum (expected ${expected} got ${got})`;
  try {
    bech32.fromWords(words);
    return undefined;
  } catch {
    return "invalid incomplete group";
  }
}
