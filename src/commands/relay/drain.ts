import { Flags } from "@oclif/core";
import { systemClock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import { askableReplicas } from "../../runtime/cache/askable-replicas.ts";
import { EXIT } from "../../runtime/ops/error-table.ts";
import { openRequester } from "../../runtime/redis/commands.ts";
import { heartbeats } from "../../runtime/redis/heartbeat.ts";
import { DRAIN_COMMAND } from "../../runtime/relayer/draining.ts";
import { RelayminerCommand } from "../base/command.ts";
import { type Fleet, operator, withFleet } from "../base/fleet.ts";
import { redisFlags } from "../base/redis-target.ts";
import { timeoutOf } from "../base/timeout.ts";

const ACK_MS = 3_000;

/** `ended`: with --wait only. */
type Report = {
  readonly asked: readonly string[];
  readonly acked: readonly string[];
  readonly missing: readonly string[];
  readonly ended?: readonly string[];
};

export default class RelayDrain extends RelayminerCommand {
  static override summary = "Let relayers finish their work and exit";
  static override description =
    `Asks relayers over Redis to do what SIGTERM makes them do: turn not ready, serve on for relay.drain.delay, refuse new relays, finish those in work, publish what is on disk, exit with 0. What starts processes may start them again.

Exits with 0 when every relayer that was asked has acknowledged, and has ended if --wait is given; with 3 when one has not.`;
  static override enableJsonFlag = true;
  static override examples = [
    {
      description: "One, and wait until it is gone",
      command: "<%= config.bin %> <%= command.id %> --replica relayer-host-4711 --wait --config relayer.yaml",
    },
    {
      description: "All of them, from a script",
      command: "<%= config.bin %> <%= command.id %> --all --wait --json --redis redis://10.0.0.5:6379",
    },
  ];
  static override flags = {
    replica: Flags.string({
      summary: "Id of a relayer, as its log and the dashboard show it; may be given several times",
      helpValue: "<id>",
      multiple: true,
      exclusive: ["all"],
    }),
    all: Flags.boolean({ summary: "Every relayer of the fleet" }),
    wait: Flags.boolean({ summary: "Wait until they have ended" }),
    timeout: Flags.string({
      summary: "How long --wait waits, such as 30s or 2m",
      default: "1m",
      helpValue: "<duration>",
    }),
    ...redisFlags,
  };

  async run(): Promise<Report> {
    const { flags } = await this.parse(RelayDrain);
    const timeoutMs = timeoutOf(flags.timeout);
    return withFleet(flags, async (fleet) => {
      const asked = await chosen(fleet, flags.replica, flags.all);
      const { acks } = await openRequester({ ...fleet, clock: systemClock }).requestAcks({
        command: { name: DRAIN_COMMAND, args: {}, to: asked },
        expected: asked,
        timeoutMs: ACK_MS,
        by: operator(),
      });
      const acked = asked.filter((id) => acks.some((ack) => ack.id === id && ack.error === undefined));
      const missing = asked.filter((id) => !acked.includes(id));
      for (const id of acked) this.log(`${id} drains`);
      for (const id of missing) this.log(`${id} did not acknowledge`);
      const ended = flags.wait ? await this.#ended(fleet, acked, timeoutMs) : undefined;
      this.#judge(
        missing,
        acked.filter((id) => ended?.includes(id) === false),
      );
      return { asked, acked, missing, ...(ended && { ended }) };
    });
  }

  async #ended({ redis, keys }: Fleet, ids: readonly string[], timeoutMs: number): Promise<string[]> {
    const deadline = systemClock.monotonic() + timeoutMs;
    const gone = new Set<string>();
    for (;;) {
      const live = new Set((await heartbeats(redis.commands, keys).live()).map(({ id }) => id));
      for (const id of ids)
        if (!live.has(id) && !gone.has(id)) {
          gone.add(id);
          this.log(`${id} has ended`);
        }
      if (gone.size === ids.length || systemClock.monotonic() > deadline) return [...gone];
      await systemClock.sleep(200);
    }
  }

  /** With --json the report itself names them. */
  #judge(missing: readonly string[], running: readonly string[]): void {
    if (missing.length === 0 && running.length === 0) return;
    if (this.jsonEnabled()) {
      process.exitCode = EXIT.partial;
      return;
    }
    if (missing.length > 0)
      throw new AppError("ACKS_MISSING", `${missing.length} relayers did not acknowledge`, {
        why: missing.join(", "),
      });
    throw new AppError("DRAIN_UNFINISHED", `${running.length} relayers have not ended yet`, {
      why: running.join(", "),
    });
  }
}

/** Errors: USAGE. */
async function chosen(
  { redis, keys }: Fleet,
  replicas: readonly string[] | undefined,
  all: boolean,
): Promise<string[]> {
  const known = await askableReplicas(redis.commands, keys, { tidy: true });
  const relayers = known.filter(({ role }) => role === "relayer").map(({ id }) => id);
  const why = relayers.length === 0 ? "no relayer is running" : `running: ${relayers.join(", ")}`;
  if (replicas === undefined && !all)
    throw new AppError("USAGE", "Which relayers are to drain? Give --replica <id> or --all", { why });
  const unknown = (replicas ?? []).filter((id) => !relayers.includes(id));
  if (unknown.length > 0) throw new AppError("USAGE", `No relayer ${unknown.join(", ")} is running`, { why });
  if (relayers.length === 0) throw new AppError("USAGE", "There is nothing to drain", { why });
  return [...new Set(replicas ?? relayers)];
}
