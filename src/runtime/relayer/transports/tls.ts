import { readFileSync, statSync } from "node:fs";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type TLSSocket } from "node:tls";
import { AppError, toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { TlsConfig } from "../../config/listener.ts";

const HANDSHAKE_MS = 10_000;
/** How often the files are looked at: a certificate that was renewed is used without a restart. */
export const LOOK_MS = 60_000;

export type Tls = {
  /** Shakes hands over a connection; `ready` of `openTls` hears when that went well, else it is closed. */
  accept(socket: Socket): void;
  /** Uses the files again if they changed. Keeps what it has if they are not valid, and says so. */
  look(): void;
};

/** TLS on top of connections, offering HTTP/2 and HTTP/1.1. Throws AppError TLS_INVALID. */
export function openTls(
  { cert_file, key_file, min_version }: TlsConfig,
  logger: Logger,
  ready: (socket: TLSSocket) => void,
): Tls {
  const read = () => {
    const pair = { cert: readFileSync(cert_file), key: readFileSync(key_file) };
    createSecureContext(pair);
    return pair;
  };
  const written = () => `${statSync(cert_file).mtimeMs} ${statSync(key_file).mtimeMs}`;
  let used = checked(written, cert_file);
  const server = createServer(
    {
      ...checked(read, cert_file),
      minVersion: min_version,
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: HANDSHAKE_MS,
    },
    (socket) => ready(socket),
  );
  server.on("tlsClientError", (_, socket) => socket.destroy());
  return {
    accept: (socket) => void server.emit("connection", socket),
    look: () => {
      try {
        const now = written();
        if (now === used) return;
        server.setSecureContext({ ...checked(read, cert_file), minVersion: min_version });
        used = now;
        logger.info({ file: cert_file }, "the relay port's certificate was renewed");
      } catch (thrown) {
        logger.warn(
          { file: cert_file, error: toError(thrown).message },
          "the relay port keeps its certificate",
        );
      }
    },
  };
}

function checked<Value>(read: () => Value, file: string): Value {
  try {
    return read();
  } catch (thrown) {
    const error = toError(thrown);
    throw new AppError(
      "TLS_INVALID",
      `the certificate ${file} and its key cannot be used: ${error.message}`,
      { file },
      error,
    );
  }
}
