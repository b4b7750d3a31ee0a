/** An error object of a JSON-RPC answer, thrown by a method. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  readonly data: string | undefined;

  constructor(code: number, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

// codes and texts of CometBFT 0.38 (chain 2.1)
export const parseError = (why: string) =>
  new RpcError(-32700, "Parse error. Invalid JSON", `error unmarshaling request: ${why}`);
export const invalidRequest = (why: string) => new RpcError(-32600, "Invalid Request", why);
export const methodNotFound = () => new RpcError(-32601, "Method not found");
export const invalidParams = (why: string) =>
  new RpcError(-32602, "Invalid params", `error converting json params to arguments: ${why}`);
export const internalError = (why: string) => new RpcError(-32603, "Internal error", why);
