import type { OutgoingHttpHeaders } from "node:http";
import type { Exchange } from "../exchange.ts";
import type { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";
import { readBody } from "./body.ts";
import type { Call, Port } from "./call.ts";
import {
  CallEnded,
  DEADLINE_EXCEEDED,
  messageFrame,
  OK,
  openMessage,
  SEND_RELAY,
  type Status,
  statusOf,
  timeoutMs,
  unimplemented,
} from "./grpc-message.ts";
import { asReject, one, pocketHeaders, presenceOf } from "./relays.ts";

/** How one kind of gRPC puts message and status on the wire. */
export type GrpcWire = {
  readonly transport: "grpc" | "grpc_web";
  /** The frames of the body as they came: gRPC-Web may have them in base64. Throws Reject bad_request. */
  readonly frames: (body: Uint8Array) => Uint8Array;
  readonly answer: (headers: OutgoingHttpHeaders, frame: Uint8Array | undefined, status: Status) => void;
};

const ENCODINGS = { "grpc-accept-encoding": "identity,gzip" } as const;
/** A smaller answer is not worth its compression. */
const MIN_GZIP_BYTES = 1_024;

/** One relay as a unary call. Never rejects: whatever goes wrong is told to the client or the client is gone. */
export async function grpcRelay(
  call: Call,
  path: string | undefined,
  wire: GrpcWire,
  port: Port,
): Promise<void> {
  const receivedAt = port.clock.monotonic();
  const client = presenceOf(call, port);
  const body = port.bodies.hold();
  const inflated = port.inflated.hold();
  call.received = body;
  let deadline: Deadline | undefined;
  try {
    const problem = call.headProblem();
    if (problem !== undefined) throw new Reject("bad_request", problem);
    if (path !== SEND_RELAY)
      throw unimplemented(`there is no method ${(path ?? "").slice(0, 200)} here; ${SEND_RELAY} is`);
    const ms = timeoutMs(one(call.headers["grpc-timeout"]));
    if (ms !== undefined) deadline = new Deadline(ms, client, port);
    await readBody(call.source, call.headers["content-length"], body);
    const encoding = one(call.headers["grpc-encoding"]);
    const room = { maxBytes: port.bodies.limit, room: inflated };
    const message = await openMessage(wire.frames(body.bytes()), encoding, room);
    await port.handle(exchangeOf(call, wire, { body: message, client, receivedAt }, deadline));
  } catch (thrown) {
    const reject = thrown instanceof CallEnded ? new Reject("bad_request", thrown.message) : asReject(thrown);
    port.refused(reject);
    const status = thrown instanceof CallEnded ? thrown.status : statusOf(reject);
    wire.answer({ ...ENCODINGS }, undefined, deadline?.passed ? DEADLINE_EXCEEDED : status);
  } finally {
    deadline?.callOff();
    body.release();
    inflated.release();
  }
}

/** When the client's own deadline passes, it is as good as gone: its backend is called off. */
class Deadline {
  #state: "running" | "passed" = "running";
  readonly #client: Presence;
  readonly callOff: () => void;

  constructor(ms: number, client: Presence, { clock }: Port) {
    this.#client = client;
    this.callOff = clock.after(ms, () => this.#pass());
  }

  get passed(): boolean {
    return this.#state === "passed";
  }

  #pass(): void {
    this.#state = "passed";
    this.#client.leave();
  }
}

type Received = Pick<Exchange, "body" | "client" | "receivedAt">;

function exchangeOf(
  call: Call,
  wire: GrpcWire,
  received: Received,
  deadline: Deadline | undefined,
): Exchange {
  const { headers } = call;
  return {
    ...received,
    transport: wire.transport,
    rpcType: one(headers["rpc-type"]),
    header: (name) => one(headers[name]),
    pocketHeaders: () => pocketHeaders(call),
    reply: (bytes) => void reply(call, wire, bytes),
    stream: () => {
      throw new Reject("internal", "a unary call has one answer");
    },
    refuse: (reject) => wire.answer({}, undefined, deadline?.passed ? DEADLINE_EXCEEDED : statusOf(reject)),
  };
}

/** Compressed for a client that compresses itself and takes it back, as the Go peer's server does. */
async function reply({ headers }: Call, wire: GrpcWire, bytes: Uint8Array): Promise<void> {
  const mayZip = one(headers["grpc-encoding"]) === "gzip" && bytes.length >= MIN_GZIP_BYTES;
  if (mayZip) wire.answer({ "grpc-encoding": "gzip" }, await messageFrame(bytes, "gzip"), OK);
  else wire.answer({}, await messageFrame(bytes, "plain"), OK);
}
