import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const HERE = fileURLToPath(new URL("../vectors/", import.meta.url));
const SHARED = fileURLToPath(new URL("../../../shared/vectors/", import.meta.url));

/** Where golden files are read: VECTORS_DIR, else the workplace's shared set, else the project's own copy. */
export const VECTORS_DIR = process.env["VECTORS_DIR"] ?? (existsSync(SHARED) ? SHARED : HERE);

/** Recordings of a real node; another directory of vectors need not have any. */
export const RECORDINGS_DIR = existsSync(`${VECTORS_DIR}/recordings`)
  ? `${VECTORS_DIR}/recordings`
  : `${HERE}/recordings`;

/** The very recordings whose heights, ids and amounts a test names. */
export const OWN_RECORDINGS_DIR = `${HERE}/recordings`;

// biome-ignore lint/suspicious/noExplicitAny: a vector case is free-form JSON; each test reads the fields its kind documents
export type VectorCase = { kind: string; name?: string } & Record<string, any>;
// biome-ignore lint/suspicious/noExplicitAny: top-level constants of a vector file are free-form JSON
type VectorFile = { cases: VectorCase[] } & Record<string, any>;

/** One golden file. Register a check per kind, then call `done()`: a kind without a check is a failure. */
export class Vectors {
  readonly file: VectorFile;
  readonly #name: string;
  readonly #checked = new Map<string, number>();

  constructor(name: string) {
    this.#name = name;
    const given = `${VECTORS_DIR}/${name}.json`;
    // A directory given by hand may hold some of the files: the others are the project's own.
    const path = existsSync(given) ? given : `${HERE}${name}.json`;
    this.file = JSON.parse(readFileSync(path, "utf8")) as VectorFile;
  }

  /** One test a case of this kind. A kind that the file does not have registers nothing. */
  kind(kind: string, check: (vector: VectorCase) => void | Promise<void>, timeoutMs?: number): void {
    const cases = this.file.cases.filter((vector) => vector.kind === kind);
    this.#checked.set(kind, 0);
    if (cases.length === 0) return;
    describe(`${this.#name}.json ${kind}`, () => {
      test.each(cases.map((vector, index) => ({ vector, title: `#${index} ${vector.name ?? ""}` })))(
        "$title",
        async ({ vector }) => {
          await check(vector);
          this.#checked.set(kind, (this.#checked.get(kind) ?? 0) + 1);
        },
        timeoutMs,
      );
    });
  }

  /** Call last: every kind in the file has a check, and the numbers of cases that ran are printed. */
  done(): void {
    test(`${this.#name}.json: every kind has a check`, () => {
      const missing = new Set(
        this.file.cases.map((vector) => vector.kind).filter((kind) => !this.#checked.has(kind)),
      );
      expect([...missing]).toEqual([]);
    });
    afterAll(() => {
      const parts = [...this.#checked].map(([kind, count]) => `${kind} ${count}`);
      const total = [...this.#checked.values()].reduce((sum, count) => sum + count, 0);
      console.log(
        `vectors ${this.#name}.json: ${total} of ${this.file.cases.length} cases passed (${parts.join(", ")})`,
      );
    });
  }
}
