/** tsc copies no data: Lua scripts and .proto files go to dist beside the code that reads them. */
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
await cp(`${root}src`, `${root}dist`, {
  recursive: true,
  filter: (path) => !/\.[a-z]+$/.test(path) || /\.(lua|proto|yaml)$/.test(path),
});
