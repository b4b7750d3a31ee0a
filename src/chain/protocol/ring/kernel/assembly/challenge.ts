// The challenge of the next member: SHA3-512 (FIPS 202) over the digest and the compressed points L and R, 98 bytes (relay-path 3.4).
import { clean, pack } from "./field-products";
import { permute } from "./keccak-rounds";
import { FIELD } from "./layout";
import { challengeOf } from "./scalar";

/** SHA3-512 takes in 72 bytes at a time: two blocks, the second one with its padding. */
const RATE: usize = 72;
const MESSAGE = memory.data(144, 8);
const STATE = memory.data(200, 8);
const CLEAN = memory.data(40, 8);
const WORDS = memory.data(32, 8);

export function challenge(out: usize, digest: usize, left: usize, right: usize): void {
  memory.fill(MESSAGE + 96, 0, 48);
  memory.copy(MESSAGE, digest, 32);
  writePoint(MESSAGE + 32, left);
  writePoint(MESSAGE + 65, right);
  store<u8>(MESSAGE, 6, 98);
  store<u8>(MESSAGE, 0x80, 143);
  memory.fill(STATE, 0, 200);
  absorb(MESSAGE);
  absorb(MESSAGE + RATE);
  challengeOf(out, STATE);
}

function absorb(block: usize): void {
  for (let i: usize = 0; i < RATE; i += 8) store<u64>(STATE + i, load<u64>(STATE + i) ^ load<u64>(block + i));
  permute(STATE);
}

/** 33 bytes: 02 or 03 by the parity of y, then x. */
function writePoint(out: usize, point: usize): void {
  clean(CLEAN, point + FIELD);
  store<u8>(out, 2 | (load<u8>(CLEAN) & 1));
  clean(CLEAN, point);
  pack(WORDS, CLEAN);
  for (let i: usize = 0; i < 32; i += 8) store<u64>(out + 1 + i, bswap<u64>(load<u64>(WORDS + 24 - i)));
}
