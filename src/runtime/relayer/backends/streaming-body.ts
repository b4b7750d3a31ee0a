import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { Reject } from "../rejects.ts";
import type { BodyReader, StreamedBody } from "./backend.ts";

/** undici wants an error to end a request with. */
const ENDED = new Error("the stream is not wanted any more");

/** Whether an answer is one of those that are wanted as they come: its media type is, and nothing has encoded it. */
export function isStreamed(
  status: number,
  headers: IncomingHttpHeaders,
  types: ReadonlySet<string> | undefined,
): boolean {
  if (types === undefined || status < 200 || status >= 500) return false;
  const [type = ""] = (first(headers["content-type"]) ?? "").split(";", 1);
  const encoding = first(headers["content-encoding"]) ?? "identity";
  return types.has(type.trim().toLowerCase()) && encoding.toLowerCase() === "identity";
}

/** A header that a backend gives twice is a list, whatever the type says. */
const first = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === "string" ? value : value?.[0];

/** The body of one of undici's answers, from its head on. Nothing is kept but what came before there was a reader. */
export class UndiciBody implements StreamedBody {
  readonly #controller: Dispatcher.DispatchController;
  readonly #onOver: () => void;
  readonly #early: Buffer[] = [];
  #reader: BodyReader | undefined;
  #ended: { readonly reject: Reject | undefined } | undefined;
  #phase: "open" | "over" = "open";

  /** `onOver` is called once, however it ends. */
  constructor(controller: Dispatcher.DispatchController, onOver: () => void) {
    this.#controller = controller;
    this.#onOver = onOver;
    controller.pause();
  }

  read(reader: BodyReader): void {
    this.#reader = reader;
    for (const chunk of this.#early.splice(0)) if (this.#phase === "open") reader.chunk(chunk);
    if (this.#ended !== undefined) this.#finish(this.#ended.reject);
    else this.resume();
  }

  pause(): void {
    if (this.#phase === "open") this.#controller.pause();
  }

  resume(): void {
    if (this.#phase === "open") this.#controller.resume();
  }

  breakOff(): void {
    if (!this.#close()) return;
    if (this.#ended === undefined) this.#controller.abort(ENDED);
  }

  chunk(bytes: Buffer): void {
    if (this.#phase === "over") return;
    if (this.#reader === undefined) this.#early.push(bytes);
    else this.#reader.chunk(bytes);
  }

  over(reject: Reject | undefined): void {
    if (this.#reader === undefined) this.#ended = { reject };
    else this.#finish(reject);
  }

  #finish(reject: Reject | undefined): void {
    if (this.#close()) this.#reader?.over(reject);
  }

  #close(): boolean {
    if (this.#phase === "over") return false;
    this.#phase = "over";
    this.#onOver();
    return true;
  }
}
