/** tsc copies no data: Lua scripts, .proto files and the compiled kernel go to dist beside the code that reads them. */
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
await cp(`${root}src`, `${root}dist`, {
  recursive: true,
  filter: (path) => /\.(lua|proto|wasm|yaml)$/.test(path) || !/\.[a-z]+$|\/assembly$/.test(path),
});
