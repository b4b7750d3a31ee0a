import { expect, test } from "vitest";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { END_HEADERS, frame, HELLO, POST_HEAD, sendRaw } from "../kit/h2-frames.ts";
import { openTestPort } from "../kit/port.ts";

const END_STREAM = 1;

// Where this fails there is no error: the process of this file is aborted.
test("a goodbye, a request after it and a frame of a wrong size do not end the process", async () => {
  const port = await openTestPort(async ({ reply }) => reply(new Uint8Array(1), 0));
  const post = frame("headers", END_HEADERS | END_STREAM, 1, POST_HEAD);
  const goodbye = frame("goaway", 0, 0, new Uint8Array(8));
  for (const wrong of [frame("ping", 0, 0, new Uint8Array(3)), frame("reset", 0, 1, new Uint8Array(3))])
    await sendRaw(port.url, [Buffer.concat([HELLO, goodbye, post, wrong])], 500);
  const session = h2Session(port.url);
  expect((await h2Request(session, {})).status).toBe(200);
  session.destroy();
  await port.listener.close();
});
