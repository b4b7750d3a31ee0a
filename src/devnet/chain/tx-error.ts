/** A transaction's refusal with a registered code. `text` is the whole log but for what the executor puts before it (chain 4.1). */
export class TxError extends Error {
  override readonly name = "TxError";
  readonly code: number;
  readonly codespace: string;
  readonly text: string;

  constructor(code: number, codespace: string, text: string) {
    super(text);
    this.code = code;
    this.codespace = codespace;
    this.text = text;
  }
}
