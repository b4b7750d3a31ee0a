import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { type Change, changeInWords, changesBetween, isOneOf } from "../config/changes.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { type KeysConfig, type LoadedKeys, loadKeys, type PasswordSource } from "../keys/load-keys.ts";
import { tellNotes } from "../keys/notes.ts";
import type { reloadMetrics } from "./metrics.ts";

type Reloadable = { readonly keys: KeysConfig };

/** What a process works with by its configuration. */
export type InForce<Config> = { readonly config: Config; readonly keyRing: KeyRing };

type Options<Config> = {
  readonly current: () => InForce<Config>;
  /** Reads and checks the configuration file; undefined when there is none to read again. */
  readonly reread: (() => Config) | undefined;
  readonly passwords: PasswordSource | undefined;
  /** Settings that `apply` can change in a running process, with all below them. */
  readonly live: readonly string[];
  /** Why a configuration cannot be taken without a restart although all that changed is live; one sentence each. */
  readonly obstacles?: (next: Config) => readonly string[];
  /** Puts it in force, all at once. Throwing means that nothing has changed. */
  readonly apply: (next: InForce<Config>) => Promise<void>;
  readonly metrics: ReturnType<typeof reloadMetrics>;
  readonly logger: Logger;
};

export type ReloadReport = {
  readonly result: "applied" | "unchanged" | "would_apply";
  readonly changes: readonly Change[];
  /** Addresses of suppliers. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
};

/** Reloads that may wait for the one at work; an operator has no use for more. */
const MAX_WAITING = 32;

/**
 * Configuration and keys of a running process, read again: validated whole, applied whole, one after the other. What is not valid, or
 * needs a restart, changes nothing: what was in force stays.
 */
export class Reloads<Config extends Reloadable> {
  readonly #options: Options<Config>;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: Options<Config>) {
    this.#options = options;
  }

  get current(): InForce<Config> {
    return this.#options.current();
  }

  /** The file and the keys. Throws AppErrors of configuration and keys, RELOAD_NEEDS_RESTART, RELOAD_BUSY. */
  reload(why: string, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<ReloadReport> {
    return this.#inTurn(why, dryRun, () => {
      const { reread } = this.#options;
      if (reread === undefined)
        throw new AppError("RELOAD_NEEDS_RESTART", "this process was not started from a configuration file");
      return reread();
    });
  }

  /** The keys alone, by the configuration that is in force. */
  reloadKeys(why: string): Promise<ReloadReport> {
    return this.#inTurn(why, false, () => this.#options.current().config);
  }

  async #inTurn(why: string, dryRun: boolean, read: () => Config): Promise<ReloadReport> {
    if (this.#waiting >= MAX_WAITING) throw new AppError("RELOAD_BUSY", "too many reloads are waiting");
    this.#waiting += 1;
    const run = this.#last.then(() => this.#run(why, dryRun, read));
    this.#last = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      this.#waiting -= 1;
    }
  }

  async #run(why: string, dryRun: boolean, read: () => Config): Promise<ReloadReport> {
    const { logger, metrics } = this.#options;
    try {
      const report = await this.#attempt(dryRun, read);
      if (!dryRun) metrics.told(report.result === "applied" ? "applied" : "unchanged");
      tell(report, why, logger);
      return report;
    } catch (thrown) {
      const { message } = toError(thrown);
      const reason = thrown instanceof AppError ? thrown.fields["why"] : undefined;
      if (!dryRun) metrics.told("refused");
      logger.error(
        { trigger: why, error: message, ...(typeof reason === "string" && { why: reason }), dryRun },
        "reload refused: what was in force still is",
      );
      throw thrown;
    }
  }

  async #attempt(dryRun: boolean, read: () => Config): Promise<ReloadReport> {
    const { current, passwords, apply, logger } = this.#options;
    const before = current();
    const config = read();
    const changes = changesBetween(before.config, config);
    this.#requireLive(changes, config);
    const loaded = await loadKeys(config.keys, passwords);
    const report = { changes, ...keyChanges(before.keyRing, loaded) };
    if (dryRun) return { ...report, result: isNothing(report) ? "unchanged" : "would_apply" };
    if (isNothing(report)) return { ...report, result: "unchanged" };
    tellNotes(loaded, config.keys, logger);
    await apply({ config, keyRing: loaded.ring });
    return { ...report, result: "applied" };
  }

  #requireLive(changes: readonly Change[], config: Config): void {
    const { live, obstacles } = this.#options;
    const fixed = changes.filter(({ setting }) => !isOneOf(setting, live));
    const told = [...fixed.map(changeInWords), ...(obstacles?.(config) ?? [])];
    if (told.length === 0) return;
    throw new AppError(
      "RELOAD_NEEDS_RESTART",
      "the new configuration needs a restart; nothing of it was taken",
      {
        why: told.join("\n"),
        settings: fixed.map(({ setting }) => setting),
      },
    );
  }
}

function keyChanges(before: KeyRing, { ring }: LoadedKeys) {
  return {
    added: ring.addresses().filter((address) => !before.has(address)),
    removed: before.addresses().filter((address) => !ring.has(address)),
  };
}

const isNothing = ({ changes, added, removed }: Omit<ReloadReport, "result">): boolean =>
  changes.length + added.length + removed.length === 0;

function tell({ result, changes, added, removed }: ReloadReport, why: string, logger: Logger): void {
  const fields = { trigger: why, result, changes: changes.map(changeInWords), added, removed };
  logger.info(fields, result === "would_apply" ? "reload checked, nothing changed" : "reloaded");
}
