/** Writes docs/configuration.md. Needs a build: `npm run docs` makes one. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { minerSchema } from "../dist/runtime/config/miner.js";
import { relayerSchema } from "../dist/runtime/config/relayer.js";
import { configDoc } from "./config-doc.mjs";
import { MEANINGS, ROLES } from "./config-meanings.mjs";

const schemas = { "relayer.yaml": relayerSchema, "miner.yaml": minerSchema };
const roles = ROLES.map((role) => ({ ...role, schema: schemas[role.file] }));
const page = fileURLToPath(new URL("../docs/configuration.md", import.meta.url));
writeFileSync(page, configDoc(roles, MEANINGS));
console.log("docs/configuration.md written");
