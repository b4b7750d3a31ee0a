import type { BackendKind } from "../../../runtime/config/backends.ts";

/** What a demo service speaks: the five kinds of backend, and one whose REST backend answers in streams. */
export const DEMO_KINDS = ["jsonrpc", "cometbft", "rest", "websocket", "grpc", "stream"] as const;
export type DemoKind = (typeof DEMO_KINDS)[number];

/** The kind of backend that a relayer is told of. */
export const backendKindOf = (kind: DemoKind): BackendKind => (kind === "stream" ? "rest" : kind);
