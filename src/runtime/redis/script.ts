import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** A Lua file of ./lua: one atomic act. Its header says what it does, takes, answers and promises. */
export type Script = { readonly text: string; readonly sha1: string };

/** Reads `./lua/<name>.lua` from beside this module, in src and in dist alike. */
export function loadScript(name: string): Script {
  const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
  return { text, sha1: createHash("sha1").update(text).digest("hex") };
}
