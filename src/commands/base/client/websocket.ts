import { toHex, utf8 } from "../../../base/bytes.ts";
import { systemClock } from "../../../base/clock.ts";
import { relayCost } from "../../../chain/protocol/pricing.ts";
import { mineRelay } from "../../../chain/protocol/relay-hash.ts";
import type { Answer } from "../../../runtime/client/answer.ts";
import { insideProblem } from "../../../runtime/client/inside.ts";
import type { Failure } from "../../../runtime/client/outcome.ts";
import type { SourcedRelay } from "../../../runtime/client/source.ts";
import { type Handshake, isAnswerTo, isSessionEnd, RelaySocket } from "../../../runtime/client/websocket.ts";
import { openSocket, webSocketSender } from "../../../runtime/client/websocket-sender.ts";
import { EXIT } from "../../../runtime/ops/error-table.ts";
import { grouped } from "../cache/text.ts";
import type { RelayminerCommand } from "../command.ts";
import { shownKeys } from "./keys.ts";
import { type ClientFlags, type Opened, openClient } from "./open.ts";
import { textOf } from "./payload.ts";
import { type Done, type LoadFlags, sendAsAsked, warnOfShownKeys } from "./run.ts";
import { failureError, problemOf, rounded } from "./single.ts";
import { counted, latency, money, shortId, textOrHex } from "./words.ts";

export type WebSocketFlags = ClientFlags &
  LoadFlags & {
    readonly payload?: string | undefined;
    readonly handshake: Handshake;
    readonly frames: "text" | "binary";
    readonly listen: number;
  };

const DEFAULT_MESSAGE = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}';

/** What `relay websocket` does. Errors: openClient's, and those of a relay that is no success, unless they are told as JSON. */
export async function relayOverWebSocket(
  command: Pick<RelayminerCommand, "argv" | "jsonEnabled">,
  flags: WebSocketFlags,
): Promise<Done> {
  warnOfShownKeys(shownKeys(command.argv));
  const message = utf8(flags.payload === undefined ? DEFAULT_MESSAGE : textOf(flags.payload));
  const opened = await openClient(flags, {
    kind: "websocket",
    localnetType: "websocket",
    payload: () => message,
  });
  try {
    const json = command.jsonEnabled();
    if (!flags["load-test"] && opened.source.targets().length === 1)
      return await talk({ opened, flags, json });
    const sender = opened.owned.own(webSocketSender(socketOptions(flags, opened)));
    return await sendAsAsked({ opened, sender, form: "raw", kind: "websocket", flags, json });
  } finally {
    await opened.owned.close();
  }
}

const socketOptions = (flags: WebSocketFlags, opened: Opened) => ({
  clock: systemClock,
  timeoutMs: flags.timeout * 1_000,
  handshake: flags.handshake,
  frames: flags.frames,
  headers: opened.headers,
});

type Talk = { readonly opened: Opened; readonly flags: WebSocketFlags; readonly json: boolean };

/** What came over one connection: answers, and pushes between and after them. */
type Heard = {
  readonly relay: SourcedRelay;
  readonly messages: Message[];
  failure: Failure | undefined;
  /** While pushes were listened to: gateways open another connection then. */
  sessionEnded: boolean;
};
type Message = {
  /** The latest request: a message and it are one relay (relay-path 6.6). */
  readonly relay: SourcedRelay;
  readonly answer: Answer;
  readonly push: boolean;
  readonly latencyMs: number;
};

/** One connection in one session; another one when the first session was over before anything was answered. */
async function talk(job: Talk): Promise<Done> {
  const { opened, flags, json } = job;
  let heard = await conversation(job);
  if (heard.failure !== undefined && heard.messages.length === 0 && !opened.source.isCurrent(heard.relay))
    heard = await conversation(job);
  const problem = problemOfTalk(heard);
  if (!json) {
    for (const line of talkLines(heard)) process.stderr.write(`${line}\n`);
    if (problem !== undefined) throw problem;
  }
  return { json: talkJson(heard, flags.handshake), exit: exitOf(heard, problem) };
}

/** Each message is sent when the one before is answered; then pushes are listened to. */
async function conversation(job: Talk): Promise<Heard> {
  const { opened, flags, json } = job;
  const first = opened.source.relay(0);
  const heard: Heard = { relay: first, messages: [], failure: undefined, sessionEnded: false };
  const start = systemClock.monotonic();
  const socket = await openSocket(first, socketOptions(flags, opened));
  if (!(socket instanceof RelaySocket)) return { ...heard, failure: socket };
  try {
    if (!json)
      process.stderr.write(
        `✔ connected in ${latency(systemClock.monotonic() - start)}, handshake ${flags.handshake}, supplier ${shortId(first.supplier.address)}\n`,
      );
    await converse(socket, job, heard);
    return heard;
  } finally {
    await socket.close();
  }
}

async function converse(socket: RelaySocket, job: Talk, heard: Heard): Promise<void> {
  const { flags, opened } = job;
  let latest = heard.relay;
  for (let number = 0; number < flags.count && heard.failure === undefined; number++) {
    if (number > 0) latest = opened.source.relay(number);
    const sentAt = systemClock.monotonic();
    socket.send(latest);
    await listen(
      socket,
      { latest, sentAt, untilMs: sentAt + flags.timeout * 1_000, untilAnswer: true },
      job,
      heard,
    );
  }
  const sentAt = systemClock.monotonic();
  if (heard.failure === undefined && flags.listen > 0)
    await listen(
      socket,
      { latest, sentAt, untilMs: sentAt + flags.listen * 1_000, untilAnswer: false },
      job,
      heard,
    );
}

type Wait = {
  readonly latest: SourcedRelay;
  readonly sentAt: number;
  /** Monotonic. */
  readonly untilMs: number;
  readonly untilAnswer: boolean;
};

/** Reads messages until the answer is there or the time is over. Silence is a failure only where an answer is due. */
async function listen(socket: RelaySocket, wait: Wait, { json }: Talk, heard: Heard): Promise<void> {
  const { latest, sentAt, untilMs, untilAnswer } = wait;
  for (;;) {
    const received = await socket.next(latest, Math.max(0, untilMs - systemClock.monotonic()));
    if (received.kind === "failed") {
      const { failure } = received;
      heard.sessionEnded = !untilAnswer && isSessionEnd(failure);
      if (untilAnswer || !(heard.sessionEnded || failure.kind === "timeout")) heard.failure = failure;
      return;
    }
    const { answer, atMs } = received;
    const push = !untilAnswer || !isAnswerTo(latest.request.payload, answer.response.payload);
    heard.messages.push({ relay: latest, answer, push, latencyMs: atMs - sentAt });
    if (!json) writeMessage(answer);
    if (!push) return;
  }
}

function writeMessage({ response }: Answer): void {
  const content = textOrHex(response.payload);
  process.stdout.write("text" in content ? `${content.text}\n` : `0x${content.hex}\n`);
}

function problemOfTalk({ relay, messages, failure }: Heard) {
  if (failure !== undefined) return failureError(failure, relay);
  const answers = messages.map(({ answer }) => answer);
  return problemOf({ relay, outcome: { kind: "answered", latencyMs: 0, answers }, form: "raw" });
}

function exitOf({ messages, failure }: Heard, problem: Error | undefined): number {
  if (problem === undefined) return 0;
  const silent = failure?.kind === "unreachable" || failure?.kind === "timeout";
  return silent && messages.length === 0 ? EXIT.unreachable : EXIT.foundProblems;
}

function talkLines({ relay, messages, sessionEnded }: Heard): string[] {
  if (messages.length === 0) return [];
  const pushes = messages.filter(({ push }) => push).length;
  const answered = messages.filter(({ push }) => !push);
  const slowest = Math.max(0, ...answered.map(({ latencyMs }) => latencyMs));
  const lines = [
    `✔ ${counted(answered.length, "answer")}${answered.length > 0 ? ` within ${latency(slowest)}` : ""}, ${grouped(pushes)} ${pushes === 1 ? "push" : "pushes"}: signatures valid`,
    ...(sessionEnded ? ["▲ the session ended, and the relayer closed the connection: no more pushes"] : []),
  ];
  const { price } = relay;
  if (price === undefined) return [...lines, "  worth      nothing: simulated relays are not mined"];
  const each = relayCost(price.computeUnitsPerRelay, price.params);
  return [
    ...lines,
    `  worth      ${counted(messages.length, "relay")} of ${counted(price.computeUnitsPerRelay, "compute unit")}, ${money(each * BigInt(messages.length))} once claimed; a push is a relay, too`,
  ];
}

function talkJson({ relay, messages, failure, sessionEnded }: Heard, handshake: Handshake) {
  const { header } = relay.signers;
  const { price } = relay;
  const inside = insideProblem(
    messages.map(({ answer }) => answer),
    "raw",
  );
  const problem = failure ?? (inside === undefined ? undefined : { kind: "inside", reason: inside });
  return {
    ok: problem === undefined,
    service: header.serviceId,
    application: header.applicationAddress,
    supplier: relay.supplier.address,
    relayer_url: relay.url,
    session: {
      id: header.sessionId,
      start: Number(header.sessionStartBlockHeight),
      end: Number(header.sessionEndBlockHeight),
    },
    handshake,
    session_ended: sessionEnded,
    ...(problem === undefined ? {} : { failure: { kind: problem.kind, reason: problem.reason } }),
    messages: messages.map(({ relay: { request }, answer, push, latencyMs }) => ({
      push,
      latency_ms: rounded(latencyMs),
      signature_valid: true,
      relay_hash: toHex(mineRelay(request, answer.response).relayHash),
      ...textOrHex(answer.response.payload),
    })),
    ...(price === undefined
      ? { simulated: true }
      : {
          compute_units: price.computeUnitsPerRelay.toString(),
          expected_upokt: (
            relayCost(price.computeUnitsPerRelay, price.params) * BigInt(messages.length)
          ).toString(),
        }),
  };
}
