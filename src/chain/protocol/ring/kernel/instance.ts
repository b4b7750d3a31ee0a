import { readFileSync } from "node:fs";

/** What assembly/index.ts exports. An address is a byte offset into the memory; a reference is a table's address plus its teeth. */
export type KernelExports = {
  jobs(): number;
  exchange(): number;
  free(): number;
  maxJobs(): number;
  maxSteps(): number;
  setBase(reference: number): void;
  build(reference: number, work: number): void;
  verify(count: number): void;
};

type WasmMemory = { readonly buffer: ArrayBuffer; grow(pages: number): number };

// The declarations of Node.js leave WebAssembly to those of browsers, which nothing else here wants.
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

const PAGE_BYTES = 65_536;
/** Room for the kernel's own data; it says itself where that ends. */
const OWN_PAGES = 16;
/** Memory grows by 4 MiB: each time, V8 makes a new buffer and counts all of it anew, which page by page costs more than the tables. */
const STEP_PAGES = 64;

/** The compiled kernel with its memory, of which `bytes` and `words` are views that stay right when it grows. */
export class KernelInstance<Exports = KernelExports> {
  readonly exports: Exports;
  readonly #memory: WasmMemory;
  readonly #maximum: number;
  #bytes: Uint8Array;
  #words: Uint32Array;

  /**
   * `limit` is how many bytes of memory there may be in all; `code` is the compiled kernel. Throws whatever reading or compiling it
   * does, where there is none.
   */
  constructor(limit: number, code: Uint8Array = kernelCode()) {
    this.#maximum = Math.max(OWN_PAGES, Math.floor(limit / PAGE_BYTES));
    this.#memory = new WebAssembly.Memory({ initial: OWN_PAGES, maximum: this.#maximum });
    const module = new WebAssembly.Module(code);
    this.exports = new WebAssembly.Instance(module, { env: { memory: this.#memory } }).exports as Exports;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#words = new Uint32Array(this.#memory.buffer);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** The same memory in 32-bit words. */
  get words(): Uint32Array {
    return this.#words;
  }

  /** Makes the memory reach to that address; false if it may not, or there is none to be had. */
  reach(end: number): boolean {
    const pages = Math.ceil((end - this.#bytes.length) / PAGE_BYTES);
    if (pages <= 0) return true;
    const left = this.#maximum - this.#bytes.length / PAGE_BYTES;
    try {
      this.#memory.grow(Math.max(pages, Math.min(STEP_PAGES, left)));
    } catch {
      return false;
    }
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#words = new Uint32Array(this.#memory.buffer);
    return true;
  }
}

/** Code, not data: the one file that this layer reads, as an addon would be loaded. `npm run build` and the tests make it. */
function kernelCode(): Uint8Array {
  return readFileSync(new URL("kernel.wasm", import.meta.url));
}
