import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";

const METHOD = "/pocket.service.RelayService/SendRelay";

export type Called = {
  readonly code: number;
  readonly details: string;
  readonly response: RelayResponse | undefined;
};

export type GrpcClient = {
  /** One relay, or any bytes in its place. Never rejects: whatever came is the result. */
  call(
    request: RelayRequest | Uint8Array,
    how?: {
      readonly metadata?: Record<string, string>;
      readonly method?: string;
      readonly deadlineMs?: number;
      readonly gzip?: boolean;
    },
  ): Promise<Called>;
  close(): void;
};

/** The gRPC client of the field, which knows nothing of this project. */
export function grpcClient(url: string): GrpcClient {
  const client = new Client(new URL(url).host, credentials.createInsecure());
  const zipping = new Client(new URL(url).host, credentials.createInsecure(), {
    "grpc.default_compression_algorithm": 2,
  });
  return {
    call: (request, { metadata = {}, method = METHOD, deadlineMs, gzip = false } = {}) =>
      new Promise((resolve) => {
        const sent = new Metadata();
        for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
        const deadline = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
        (gzip ? zipping : client).makeUnaryRequest(
          method,
          (given: RelayRequest | Uint8Array) =>
            Buffer.from(given instanceof Uint8Array ? given : RelayRequest.encode(given)),
          (bytes: Buffer) => RelayResponse.decode(new Uint8Array(bytes)),
          request,
          sent,
          deadline,
          (error: ServiceError | null, response?: RelayResponse) =>
            resolve({ code: error?.code ?? status.OK, details: error?.details ?? "", response }),
        );
      }),
    close: () => {
      client.close();
      zipping.close();
    },
  };
}
