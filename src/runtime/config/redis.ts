import { z } from "zod";
import { redisFields } from "./fields.ts";
import { loadYaml } from "./load.ts";

const section = z.looseObject(redisFields()).prefault({});
const file = z.looseObject({ redis: section });

/** The `redis` section of a relayer's or a miner's YAML; the rest of the file is not looked at. Errors as loadYaml's. */
export const loadRedisSection = (path: string): z.output<typeof section> => loadYaml(path, file).config.redis;

/** What both roles use when their YAML says nothing. */
export const defaultRedisSection = (): z.output<typeof section> => section.parse({});
