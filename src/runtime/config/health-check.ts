import { z } from "zod";
import { blankIsUnset, natural, positive } from "./fields.ts";

/** Active checks of a backend's endpoints (go-peers 1.9, B3; 2.2). */

const status = () => z.number().int().min(100).max(599);

export const healthCheck = () =>
  z.strictObject({
    enabled: z.boolean().default(false),
    /** Path and query, under the endpoint's base path. */
    endpoint: z
      .string()
      .refine((text) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(text), {
        error: "expected a path such as /health",
      })
      .optional(),
    interval_seconds: natural().optional(),
    timeout_seconds: blankIsUnset(positive().default(5)),
    /** For the checks 3, for the breaker 5, where it is not given. */
    unhealthy_threshold: blankIsUnset(positive().optional()),
    healthy_threshold: blankIsUnset(positive().default(2)),
    method: blankIsUnset(
      z
        .string()
        .regex(/^[A-Za-z]{1,16}$/, { error: "not a method" })
        .transform((method) => method.toUpperCase())
        .default("GET"),
    ),
    request_body: blankIsUnset(z.string().optional()),
    content_type: blankIsUnset(z.string().optional()),
    /** Text that the answer's body must hold. */
    expected_body: blankIsUnset(z.string().optional()),
    /** Empty: any from 200 to 299. */
    expected_status: z.array(status()).default([]),
    headers: z.record(z.string(), z.string()).default({}),
  });

export type HealthCheckConfig = z.output<ReturnType<typeof healthCheck>>;
