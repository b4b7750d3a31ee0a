import type { FleetView, Invalidated, InvalidateTarget, SessionDetail } from "../runtime/ops/view.ts";
import { note, press, type Step } from "./keys.ts";
import { type Line, line, type Span } from "./line.ts";
import type { Size, State } from "./model.ts";
import { cutMiddle, UNKNOWN } from "./text.ts";

/** All that happens to the dashboard. */
export type DashboardEvent =
  | { readonly type: "key"; readonly key: string }
  | { readonly type: "view"; readonly view: FleetView }
  | { readonly type: "session"; readonly session: SessionDetail }
  | { readonly type: "invalidated"; readonly target: InvalidateTarget; readonly result: Invalidated }
  | { readonly type: "failed"; readonly what: string; readonly why: string }
  | { readonly type: "resize"; readonly size: Size }
  | { readonly type: "tick"; readonly now: number };

const SAMPLES = 60;
const NOTICE_MS = 30_000;

/** The whole behaviour of the dashboard: no I/O, no time of its own. */
export function update(state: State, event: DashboardEvent): Step {
  switch (event.type) {
    case "key":
      return press(state, event.key);
    case "view":
      return show(state.isPaused && state.view !== undefined ? state : withView(state, event.view));
    case "session":
      return show({ ...state, session: event.session });
    case "invalidated":
      return show({
        ...note({ ...state, pending: undefined }, ...acksLine(event.target, event.result)),
      });
    case "failed":
      return show(
        note({ ...state, pending: undefined }, { text: `✖ ${event.what}: ${event.why}`, tone: "bad" }),
      );
    case "resize":
      return show({ ...state, size: event.size });
    case "tick":
      return show(atTime(state, event.now));
  }
}

const show = (state: State): Step => ({ state, effects: [] });

function withView(state: State, view: FleetView): State {
  const history: Record<string, readonly number[]> = {};
  for (const { id, relays } of view.replicas.value)
    if (relays?.perSecond !== undefined)
      history[id] = [...(state.history[id] ?? []), relays.perSecond].slice(-SAMPLES);
  return atTime({ ...state, view, history }, view.readAt);
}

function atTime(state: State, now: number): State {
  const isOld = state.notice !== undefined && now - state.notice.at > NOTICE_MS;
  return { ...state, now, notice: isOld ? undefined : state.notice };
}

/** ✔ acked 5/5 in 14 ms (r-1 3, r-2 5, …); who is missing is named. */
function acksLine({ entity, id }: InvalidateTarget, result: Invalidated): Line {
  const { acked, expected, replicas, missing } = result;
  const what = id === undefined ? entity : `${entity} ${cutMiddle(id, 14)}`;
  const slowest =
    replicas.length === 0 ? UNKNOWN : `${Math.ceil(Math.max(...replicas.map(({ ms }) => ms)))} ms`;
  const each = replicas.map((replica) => `${replica.id} ${Math.ceil(replica.ms)}`).join(", ");
  const isWhole = missing.length === 0;
  const head: Span = {
    text: `${isWhole ? "✔" : "▲"} ${what}: acked ${acked}/${expected} in ${slowest}`,
    tone: isWhole ? "ok" : "warn",
    bold: true,
  };
  const rest: Span[] = [{ text: each === "" ? "" : ` (${each})` }];
  if (!isWhole) rest.unshift({ text: ` missing: ${missing.join(", ")}`, tone: "bad" });
  return line(head, ...rest);
}
