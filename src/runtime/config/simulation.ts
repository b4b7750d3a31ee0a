import { z } from "zod";
import { equalBytes, fromHex } from "../../base/bytes.ts";
import { fastestCurve } from "../../chain/protocol/ring/fastest-curve.ts";
import { PLACEHOLDER_PUBLIC_KEY } from "../../chain/protocol/ring/members.ts";
import { isServiceId } from "../../chain/protocol/validate.ts";
import { onlyWhenEnabled } from "./fields.ts";

/** A public key of 33 bytes as hex. The placeholder's private key is known to everybody, so whoever names it lets everybody in. */
const publicKey = () =>
  z
    .string()
    .regex(/^[0-9a-fA-F]{66}$/, { error: "expected a compressed public key, 66 hex digits", abort: true })
    .transform(fromHex)
    .refine((key) => fastestCurve.decompress(key) !== undefined, {
      error: "not a point of secp256k1",
    })
    .refine((key) => !equalBytes(key, PLACEHOLDER_PUBLIC_KEY), {
      error: "the placeholder's private key is public: anybody could sign with it",
    });

/** 0 is the default, as for the Go peer. */
const orDefault = (fallback: number) =>
  z
    .number()
    .int()
    .nonnegative()
    .default(fallback)
    .transform((value) => (value === 0 ? fallback : value));

const identity = () =>
  z.strictObject({
    key_id: z.string().regex(/^[\x21-\x7e]{1,128}$/, { error: "1 to 128 visible characters" }),
    enabled: z.boolean().default(false),
    not_after: z.iso
      .datetime({ offset: true, error: "expected a time such as 2026-12-31T00:00:00Z" })
      .transform((text) => Date.parse(text))
      .optional(),
    max_rps: z
      .number()
      .nonnegative()
      .default(5)
      .transform((value) => (value === 0 ? 5 : value)),
    app_pubkey_hex: publicKey(),
    gateway_pubkeys_hex: z.array(publicKey()).min(1, { error: "at least one gateway key is needed" }),
    allowed_services: z.array(z.string().refine(isServiceId, { error: "not a service id" })).default([]),
  });

/** Simulated relays (relay-path 8; go-peers 2.2). A section that is not enabled is not looked at. */
export const simulationSchema = () =>
  onlyWhenEnabled(
    z
      .strictObject({
        enabled: z.boolean().default(false),
        max_concurrent: orDefault(32),
        freshness_window_seconds: orDefault(30),
        identities: z.array(identity()).default([]),
      })
      .refine(({ enabled, identities }) => !enabled || identities.length > 0, {
        path: ["identities"],
        error: "at least one identity is needed while simulation is enabled",
      })
      .superRefine(({ identities }, context) => {
        const known = new Set<string>();
        for (const [index, { key_id }] of identities.entries()) {
          if (known.has(key_id))
            context.addIssue({
              code: "custom",
              path: ["identities", index, "key_id"],
              message: `the key id "${key_id}" is there twice`,
            });
          known.add(key_id);
        }
      })
      .prefault({}),
  );

export type SimulationConfig = z.output<ReturnType<typeof simulationSchema>>;
export type SimulationIdentity = SimulationConfig["identities"][number];
