import { Command } from "@oclif/core";
import { AppError } from "../../base/errors.ts";
import { explain, fourLines } from "./explain.ts";

/** What every command shares: an expected failure is told in four lines and ends with its documented exit code, under --json too. */
export abstract class RelayminerCommand extends Command {
  protected override async catch(
    thrown: Error & { exitCode?: number; oclif?: { exit?: number } },
  ): Promise<unknown> {
    if (thrown.oclif !== undefined && !(thrown instanceof AppError)) {
      // oclif reads exitCode, not oclif.exit, under --json
      if (thrown.oclif.exit !== undefined) thrown.exitCode = thrown.oclif.exit;
      return super.catch(thrown);
    }
    const explained = explain(thrown);
    if (this.jsonEnabled()) this.logJson({ error: explained });
    else {
      this.logToStderr(fourLines(explained));
      if (explained.code === "UNEXPECTED" && thrown.stack) this.logToStderr(thrown.stack);
    }
    return this.exit(explained.exit);
  }
}
