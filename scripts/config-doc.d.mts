import type { z } from "zod";

export type ConfigKey = {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly unused: string | undefined;
  readonly later: { readonly what: string } | undefined;
};
export type Role = { readonly file: string; readonly schema: z.ZodType; readonly about: string };
export type Meanings = Readonly<Record<string, string>>;

export function keysOf(schema: z.ZodType): ConfigKey[];
export function configDoc(roles: readonly Role[], meanings: Meanings): string;
export function meaningOf(meanings: Meanings, file: string, path: string): string | undefined;
