import { systemClock } from "../../../base/clock.ts";
import { httpSender } from "../../../runtime/client/sender.ts";
import type { BackendKind } from "../../../runtime/config/backends.ts";
import type { RelayminerCommand } from "../command.ts";
import { shownKeys } from "./keys.ts";
import { type ClientFlags, openClient } from "./open.ts";
import { type DefaultRequest, type HttpRequestFlags, httpPayload } from "./payload.ts";
import { type Done, type LoadFlags, sendAsAsked, warnOfShownKeys } from "./run.ts";

export type HttpFlags = ClientFlags & LoadFlags & HttpRequestFlags;

type Given = {
  readonly command: Pick<RelayminerCommand, "argv" | "jsonEnabled">;
  readonly flags: HttpFlags;
  readonly kind: BackendKind;
  readonly localnetType: string;
  readonly otherwise: DefaultRequest;
};

/** What the commands do that send relays over HTTP. Errors: openClient's, httpPayload's, sendAsAsked's. */
export async function relayOverHttp(given: Given): Promise<Done> {
  const { command, flags, kind, localnetType, otherwise } = given;
  warnOfShownKeys(shownKeys(command.argv));
  const payload = httpPayload(flags, otherwise);
  const opened = await openClient(flags, { kind, localnetType, payload });
  try {
    const sender = opened.owned.own(
      httpSender({
        kind,
        clock: systemClock,
        timeoutMs: flags.timeout * 1_000,
        connections: flags.concurrency,
        headers: opened.headers,
      }),
    );
    return await sendAsAsked({ opened, sender, form: "http", kind, flags, json: command.jsonEnabled() });
  } finally {
    await opened.owned.close();
  }
}
