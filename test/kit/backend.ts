import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export type TestBackend = {
  readonly url: string;
  readonly port: number;
  /** Requests that came, oldest first. */
  readonly heard: IncomingMessage[];
  /** What it does from now on. */
  set(listener: RequestListener): void;
  /** Stops listening and breaks every connection; `open` takes the same port again. */
  close(): Promise<void>;
  open(): Promise<void>;
};

/** A backend that answers with its name, until it is told otherwise. */
export async function startBackend(name: string): Promise<TestBackend> {
  const heard: IncomingMessage[] = [];
  let answer: RequestListener = (_, response) => response.end(name);
  const server = createServer((request, response) => {
    heard.push(request);
    request.resume().on("end", () => answer(request, response));
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    heard,
    set: (listener) => {
      answer = listener;
    },
    open: () => listen(port),
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
