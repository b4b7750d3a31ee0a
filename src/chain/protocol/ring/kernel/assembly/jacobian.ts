// Points as (X : Y : Z), for sums that are made one step at a time: H. Cohen, A. Miyaji, T. Ono, "Efficient elliptic curve
// exponentiation using mixed coordinates", ASIACRYPT 1998. The curve is y² = x³ + 7, its order is prime.
//
// Where a formula does not hold, that is where a sum has equal or opposite terms, Z becomes 0, and stays 0 whatever comes after: one
// look at the last Z tells whether all of them held.
import {
  mul,
  mulDiffSubMul,
  mulDiffSubSqr,
  mulSub,
  sqr,
  sqrSub,
  sqrSubTwice,
} from "./field-products";
import { copy, ONE, threeHalves } from "./field";
import { FIELD } from "./layout";

const A = memory.data(40, 8);
const B = memory.data(40, 8);
const C = memory.data(40, 8);
const H = memory.data(40, 8);
const R = memory.data(40, 8);

export function fromAffine(out: usize, point: usize): void {
  copy(out, point);
  copy(out + FIELD, point + FIELD);
  copy(out + 2 * FIELD, ONE);
}

/**
 * out = 2·point. With L = 3X²/2, S = Y², T = X·S: X' = L² − 2T, Y' = L·(T − X') − S², Z' = Y·Z. (The textbook's formula has all of
 * these times powers of 2; a point's coordinates may be divided by 2², 2³ and 2 together.) There is no point with Y = 0.
 */
export function double(out: usize, point: usize): void {
  const x = point;
  const y = point + FIELD;
  mul(out + 2 * FIELD, y, point + 2 * FIELD);
  sqr(A, x);
  threeHalves(A, A); // L
  sqr(B, y); // S
  mul(C, x, B); // T
  sqrSub(out, A, C, C);
  mulDiffSubSqr(out + FIELD, A, C, out, B);
}

/**
 * sum += (x, y), an affine point. With H = x·Z² − X, R = y·Z³ − Y, V = X·H²: X' = R² − H³ − 2V, Y' = R·(V − X') − Y·H³, Z' = Z·H.
 * H is 0 where x is the x of the sum.
 */
export function addAffine(sum: usize, point: usize): void {
  const y = sum + FIELD;
  const z = sum + 2 * FIELD;
  sqr(A, z);
  mul(B, point + FIELD, z);
  mulSub(H, point, A, sum);
  mulSub(R, B, A, y);
  mul(z, z, H);
  sqr(A, H);
  mul(B, H, A); // H³
  mul(C, sum, A); // V
  sqrSubTwice(sum, R, B, C);
  mulDiffSubMul(y, R, C, sum, y, B);
}
