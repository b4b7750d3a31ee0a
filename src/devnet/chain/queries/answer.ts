import type { Codec } from "../../../chain/proto/wire.ts";
import type { BackendQueryAnswer } from "../../backend.ts";
import { type GrpcClass, HandlerError } from "../../context.ts";
import type { ChainState } from "../../state.ts";

export type QueryHandler = (state: ChainState, request: Uint8Array) => Uint8Array;

const CLASS_CODES: Readonly<Partial<Record<GrpcClass, { code: number; suffix: string }>>> = {
  NotFound: { code: 22, suffix: "key not found" },
  InvalidArgument: { code: 18, suffix: "invalid request" },
  FailedPrecondition: { code: 18, suffix: "invalid request" },
  Unauthenticated: { code: 4, suffix: "unauthorized" },
};
const OTHERS = { code: 6, suffix: "unknown request" };

/** The request's bytes are no request (chain 3.1). */
class BadRequest extends Error {}

/** Binds a query's codecs to what answers it. */
export function handler<Req, Res>(
  query: { readonly request: Codec<Req>; readonly response: Codec<Res> },
  answer: (state: ChainState, request: Req) => Res,
): QueryHandler {
  return (state, bytes) => {
    let request: Req;
    try {
      request = query.request.decode(bytes);
    } catch {
      throw new BadRequest();
    }
    return query.response.encode(answer(state, request));
  };
}

/** Runs a query on a state and gives its failure a node's code and text (chain 3.1). Rethrows what is no refusal. */
export function answerQuery(state: ChainState, handle: QueryHandler, data: Uint8Array): BackendQueryAnswer {
  const { height } = state;
  try {
    return { code: 0, codespace: "", log: "", value: handle(state, data), height };
  } catch (thrown) {
    if (thrown instanceof BadRequest) return refused(18, "unexpected EOF: invalid request", height);
    if (!(thrown instanceof HandlerError)) throw thrown;
    const { code, suffix } = CLASS_CODES[thrown.grpcClass] ?? OTHERS;
    return refused(code, `rpc error: code = ${thrown.grpcClass} desc = ${thrown.text}: ${suffix}`, height);
  }
}

/** A failed answer; it never has a value. */
export const refused = (code: number, log: string, height: bigint): BackendQueryAnswer => ({
  code,
  codespace: "sdk",
  log,
  value: undefined,
  height,
});
