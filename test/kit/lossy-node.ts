import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type LossyNode = {
  readonly url: string;
  /** Types of the messages in transactions that it lost, in the order in which they came. */
  readonly lost: readonly string[];
  close(): Promise<void>;
};

type Call = { readonly id?: unknown; readonly method?: string; readonly params?: { readonly tx?: string } };

/** A node before another one that takes the first transaction with each of these messages, says that it is in its mempool, and loses it. No subscriptions. */
export async function lossyNode(target: string, types: readonly string[]): Promise<LossyNode> {
  const lost: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    if (request.method !== "POST") {
      response.writeHead(404).end();
      return;
    }
    const { id, method, params } = JSON.parse(body) as Call;
    const tx = Buffer.from((method === "broadcast_tx_sync" && params?.tx) || "", "base64");
    const type = types.find((each) => tx.includes(each) && !lost.includes(each));
    response.setHeader("content-type", "application/json");
    if (type === undefined) {
      const answered = await fetch(target, { method: "POST", body });
      response.statusCode = answered.status;
      response.end(await answered.text());
      return;
    }
    lost.push(type);
    const hash = createHash("sha256").update(tx).digest("hex").toUpperCase();
    response.end(
      JSON.stringify({ jsonrpc: "2.0", id, result: { code: 0, data: "", log: "", codespace: "", hash } }),
    );
  };
  const server = createServer(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost,
    close: async () => {
      server.closeAllConnections();
      await new Promise<unknown>((resolve) => server.close(resolve));
    },
  };
}
