import { systemClock } from "../../../base/clock.ts";
import type { Answer } from "../../../runtime/client/answer.ts";
import { httpSender } from "../../../runtime/client/sender.ts";
import type { BackendKind } from "../../../runtime/config/backends.ts";
import type { RelayminerCommand } from "../command.ts";
import { shownKeys } from "./keys.ts";
import { type ClientFlags, openClient } from "./open.ts";
import { type DefaultRequest, type HttpRequestFlags, httpPayload } from "./payload.ts";
import { type Done, type LoadFlags, sendAsAsked, warnOfShownKeys } from "./run.ts";
import { contentOf } from "./words.ts";

export type HttpFlags = ClientFlags & LoadFlags & HttpRequestFlags;

type Given = {
  readonly command: Pick<RelayminerCommand, "argv" | "jsonEnabled">;
  readonly flags: HttpFlags;
  readonly kind: BackendKind;
  readonly localnetType: string;
  readonly otherwise: DefaultRequest;
  /** The batches of a stream go to stdout as they come. */
  readonly live?: boolean;
};

/** What the commands do that send relays over HTTP. Errors: openClient's, httpPayload's, sendAsAsked's. */
export async function relayOverHttp(given: Given): Promise<Done> {
  const { command, flags, kind, localnetType, otherwise, live = false } = given;
  warnOfShownKeys(shownKeys(command.argv));
  const payload = httpPayload(flags, otherwise);
  const opened = await openClient(flags, { kind, localnetType, payload });
  try {
    const isOne = !flags["load-test"] && flags.count === 1 && opened.source.targets().length === 1;
    let batches = 0;
    const onBatch = (answer: Answer) => {
      batches += 1;
      process.stdout.write(contentOf(answer, "http"));
    };
    const sender = opened.owned.own(
      httpSender({
        kind,
        clock: systemClock,
        timeoutMs: flags.timeout * 1_000,
        connections: flags.concurrency,
        headers: opened.headers,
        ...(live && isOne && !command.jsonEnabled() ? { onBatch } : {}),
      }),
    );
    const json = command.jsonEnabled();
    return await sendAsAsked({
      opened,
      sender,
      form: "http",
      kind: live ? `${kind}, streamed` : kind,
      flags,
      json,
      ...(live ? { written: () => batches > 0 } : {}),
    });
  } finally {
    await opened.owned.close();
  }
}
