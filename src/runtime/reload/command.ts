import type { JsonObject } from "../redis/own-json.ts";
import type { ReloadReport } from "./reloads.ts";

/** The operator's command over Redis (`config reload`). */
export const RELOAD_COMMAND = "reload";

type Reloadable = {
  reload(why: string, options?: { readonly dryRun?: boolean }): Promise<ReloadReport>;
};

/** What a process does when it is asked, and its answer. Throws what the reload throws. */
export const obeyReload = (reloads: Reloadable, args: JsonObject): Promise<ReloadReport> =>
  reloads.reload("an operator's command", { dryRun: args["dryRun"] === true });
