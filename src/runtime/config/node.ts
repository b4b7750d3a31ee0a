import { z } from "zod";
import { pocketNodeFields } from "./fields.ts";
import { loadYaml } from "./load.ts";

const section = z.looseObject(pocketNodeFields());
const file = z.looseObject({ pocket_node: section.optional() });

/** The `pocket_node` section of a relayer's or a miner's YAML; the rest of the file is not looked at. Errors as loadYaml's. */
export const loadNodeSection = (path: string): z.output<typeof section> | undefined =>
  loadYaml(path, file).config.pocket_node;
