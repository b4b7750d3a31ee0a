import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Backend } from "../backend.ts";
import { answerControl } from "./control.ts";
import { publishedOf } from "./events.ts";
import { answerHttp } from "./http-handler.ts";
import { rpcMethods } from "./methods.ts";
import { Subscribers } from "./websocket.ts";

export type RpcSettings = {
  /** Milliseconds by which every answer is held back; 0 unless a slow node is wanted. */
  readonly delayMs?: number;
};

export type RpcServerOptions = {
  readonly backend: Backend;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly clock: Clock;
  readonly log?: Logger;
  readonly settings?: RpcSettings;
};

export type RpcServer = {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
};

/**
 * A CometBFT RPC listener over a chain: JSON-RPC, URI form, WebSocket events, in a node's own forms (chain 2). Besides, only for callers on
 * the loopback, `POST /control/<command>`. Throws LISTEN_FAILED.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { backend, host, log } = options;
  let rpcAddress = `tcp://${host}:${options.port}`;
  const methods = rpcMethods(backend, () => rpcAddress);
  const subscribers = new Subscribers(methods);
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const delayMs = options.settings?.delayMs ?? 0;
    if (request.url?.startsWith("/control/")) return answerControl(backend, request, response);
    if (delayMs > 0) await options.clock.sleep(delayMs);
    return answerHttp(methods, request, response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      log?.error({ url: request.url, error: toError(thrown).stack }, "devnet RPC failed");
      response.destroy();
    });
  });
  server.on("upgrade", (request, socket, head) => {
    if (request.url?.split("?")[0] !== "/websocket") return void socket.destroy();
    subscribers.server.handleUpgrade(request, socket, head, (opened) =>
      subscribers.server.emit("connection", opened, request),
    );
  });
  const unsubscribe = backend.onBlock((height) => {
    const [block, results] = [backend.block(height), backend.results(height)];
    if (block && results)
      for (const published of publishedOf(backend, block, results)) subscribers.publish(published);
  });
  const port = await listen(server, host, options.port);
  rpcAddress = `tcp://${host}:${port}`;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    close: () => {
      unsubscribe();
      subscribers.close();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new AppError(
          "LISTEN_FAILED",
          `cannot listen on ${host}:${port}: ${error.message}`,
          { host, port },
          error,
        ),
      ),
    );
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
