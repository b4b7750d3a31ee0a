import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type TcpProxy = {
  readonly url: string;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Takes connections and bytes, and answers nothing. */
  hang(): void;
  mend(): void;
  close(): Promise<void>;
};

/** A way to an HTTP server that can fail like a network does. */
export async function tcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let state: "mended" | "cut" | "hanging" = "mended";
  const server = createServer((client) => {
    open.add(client);
    client.on("error", () => undefined);
    client.once("close", () => open.delete(client));
    if (state === "cut") return void client.destroy();
    if (state === "hanging") return void client.resume();
    const upstream = connect(Number(port), hostname);
    upstream.on("error", () => client.destroy());
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
    client.on("data", (chunk) => state === "mended" && upstream.write(chunk));
    upstream.on("data", (chunk) => state === "mended" && client.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const breakAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      state = "cut";
      breakAll();
    },
    hang: () => {
      state = "hanging";
    },
    mend: () => {
      state = "mended";
      breakAll();
    },
    close: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
