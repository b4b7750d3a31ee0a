import { nativeSecp256k1 } from "../native-secp256k1.ts";
import type { Curve } from "./curve.ts";
import { nativeCurve } from "./curve-native.ts";
import { nobleCurve } from "./curve-noble.ts";

/** libsecp256k1 where its addon loads, else pure JavaScript. */
export const fastestCurve: Curve =
  nativeSecp256k1 === undefined ? nobleCurve : nativeCurve(nativeSecp256k1, nobleCurve);
