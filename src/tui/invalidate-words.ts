import type { InvalidateTarget } from "../runtime/ops/view.ts";

const FLAGS: Readonly<Record<string, string>> = {
  application: "--app",
  service: "--service",
  supplier: "--supplier",
};

/** "application pokt1…", "params", "all sessions". */
export const targetText = ({ entity, id }: InvalidateTarget): string =>
  id === undefined ? (entity === "session" ? "all cached sessions" : `all ${entity}`) : `${entity} ${id}`;

/** The command that does the same; undefined where there is none. */
export function sameCommand({ entity, id }: InvalidateTarget): string | undefined {
  if (entity === "params") return "relayminer cache invalidate --params";
  const flag = FLAGS[entity];
  return flag === undefined || id === undefined ? undefined : `relayminer cache invalidate ${flag} ${id}`;
}
