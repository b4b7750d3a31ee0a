type Fields = Readonly<Record<string, unknown>>;

/** An expected failure. `code` is stable: operators grep for it and tests assert on it. */
export class AppError<Code extends string = string> extends Error {
  override readonly name = "AppError";
  readonly code: Code;
  readonly fields: Fields;

  constructor(code: Code, message: string, fields: Fields = {}, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.fields = fields;
  }
}

/** Turns whatever was thrown into an Error, once, at the edge. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
