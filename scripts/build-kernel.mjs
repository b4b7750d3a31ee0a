/**
 * Compiles the verification kernel, src/chain/protocol/ring/kernel/assembly/ and what kernel-source.mjs writes, to kernel.wasm beside
 * that folder, unless it is newer than its sources. Part of `npm run build`, and what the tests run first (vitest.config.ts).
 */
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fieldSource, keccakSource } from "./kernel-source.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "src/chain/protocol/ring/kernel");
const assembly = join(folder, "assembly");
const target = join(folder, "kernel.wasm");
const generated = {
  "field-products.ts": fieldSource,
  "keccak-rounds.ts": keccakSource,
};
const options = ["-O3", "--runtime", "stub", "--use", "abort=", "--importMemory", "--zeroFilledMemory"];

export default async function buildKernel() {
  if (await isCurrent()) return;
  const { default: asc } = await import("assemblyscript/asc");
  // Written beside and renamed: others may be reading, or compiling, at the same time.
  const place = await mkdtemp(join(folder, ".build-"));
  try {
    const { error, stderr } = await asc.main(
      ["index.ts", "--baseDir", assembly, "--outFile", "kernel.wasm", ...options],
      {
        readFile: (name, base) => {
          const source = generated[name];
          return source === undefined ? readFile(join(base, name), "utf8").catch(() => null) : source();
        },
        writeFile: (name, bytes) => writeFile(join(place, name), bytes),
      },
    );
    if (error) throw new Error(`the kernel does not compile: ${error.message}\n${stderr.toString()}`);
    await rename(join(place, "kernel.wasm"), target);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function isCurrent() {
  const built = await stat(target).catch(() => undefined);
  if (built === undefined) return false;
  const sources = [
    ...(await readdir(assembly)).map((name) => join(assembly, name)),
    ...["build-kernel.mjs", "kernel-source.mjs"].map((name) => join(root, "scripts", name)),
    join(root, "node_modules/assemblyscript/package.json"),
  ];
  const times = await Promise.all(sources.map(async (source) => (await stat(source)).mtimeMs));
  return times.every((time) => time <= built.mtimeMs);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildKernel();
