import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { REJECTS, Reject, type RejectReason } from "./rejects.ts";

const DOC = fileURLToPath(new URL("../../../docs/answers.md", import.meta.url));

/** Why a reason is answered as it is. */
const WHY: Readonly<Partial<Record<RejectReason, string>>> = {
  bad_request: "It cannot be read, or does not say whom it is for. Honest clients do not send it.",
  missing_supplier: "Nobody can sign the answer.",
  implausible_heights:
    "Ten thousand blocks away: a session that nobody can mean. Refused before the chain is asked, so strangers cannot make this relayer ask.",
  unknown_service: "A wrong endpoint on chain, or a service that is missing in the configuration.",
  body_too_large: "Refused before it is read to its end.",
  no_backend:
    "The configuration lacks that backend: the operator is to see it, as a warning in the log. 503 with the service's id, as the Go peer.",
  unknown_supplier:
    "Whoever answers must sign as that supplier. Another relayer may hold its key, so 503, as the Go peer.",
  supplier_inactive:
    "The miners say that it is not staked for the service: what it answers nobody pays. Another relayer may know better, so 503.",
  session_expired: "Its claim is made, or being made: served, it would earn nothing.",
  session_not_begun:
    "A client a block or two ahead is waited for, three seconds at most; this is for those further ahead.",
  session_invalid: "The chain has another session there, or none. It would refuse the proof.",
  supplier_not_in_session: "The chain would refuse the claim.",
  signature_invalid:
    "The chain would refuse the proof, and slash for it; also said when there is none. A fresh delegation is looked up before this is said.",
  signature_unchecked: "As `signature_invalid`: whoever floods learns nothing from the difference.",
  replayed:
    "The relay is good, and was taken before. A gateway signs every request anew, also when it asks the same again, so only copies meet this.",
  simulation_rejected: "For the operator who sends it: the text says which condition failed.",
  simulation_limit: "As the Go peer.",
  simulation_unchecked: "Without Redis nobody knows whether it was sent before.",
  session_unknown: "The chain cannot be asked: unknown is not invalid, and another try may be served.",
  over_limit: "See above. The text is one of three that gateways know, word for word.",
  meter_unavailable:
    "Only with `relay_meter.fail_behavior: closed`; with `open` the relay is served unmetered.",
  backend_error:
    "Unsigned: it is not a relay that was served. The next endpoint is tried before where there is one.",
  backend_timeout: "As `backend_error`.",
  backend_5xx:
    'The backend\'s own status, unsigned and not mined, as the Go peer. A backend that means "your request is wrong" should say 4xx.',
  backend_down:
    "No endpoint is worth asking: said at once, without a request to a backend that is known to be away.",
  backend_saturated:
    "As many requests are in work and wait as the configuration allows, or as are served within the time that it lets one wait: said early, so that the gateway has time to ask elsewhere.",
  response_too_large:
    "A cut answer would be a wrong one, so none is signed. The bound is in the configuration.",
  store_unavailable:
    "A relay that cannot be stored earns nothing (`relay.publish: before_reply`); the application has its charge back.",
  overloaded: "Said early rather than late: the gateway has time to ask elsewhere.",
  draining: "The load balancer has not noticed yet.",
  client_gone: "Nobody reads it; it is what the metrics call it.",
  internal: "A defect of ours; the log has the cause, the client has not.",
};

/** What PATH does with an answer (relay-path 6.1): beyond 200 it looks at nothing but that. */
const made = (reason: RejectReason): string => {
  if (reason === "client_gone") return "nothing: it is not there any more";
  if (reason.startsWith("simulation_")) return "sends none";
  if (reason === "over_limit") return "−25; with `signed`: −3, and the supplier is left out for the session";
  return "−25";
};

const HEAD = `# What a refused relay is answered

Written by \`npm run docs\` from \`src/runtime/relayer/rejects.ts\`.

A relay is refused for one of these reasons. The reason is the label of \`ha_relayer_relays_rejected_total\`, or of \`ha_relayer_relays_dropped_total\` where the client had its answer already. Over HTTP the body is \`{"error": "<text>"}\`; over gRPC the text is the status message; over WebSocket it is the reason of the close.

What it costs: PATH looks at the status before anything else. Whatever is not 200 counts as a failure of the service (−25 reputation, on a scale where a timeout costs 10 and a client's fault 3), the body is not read, and the relay is tried at another supplier. A 200 that is not signed by the supplier costs the same and a place on a list for fifteen minutes, so none is ever sent. A backend's own 4xx travels inside a signed 200 and costs nothing.

So a refusal is kept for what nobody could be paid for, and most of them an honest gateway never sees: it signs what it sends, for a session that runs, to a supplier of that session, once. What it does see is in the hand of the operator: backends that fail, a store that is away, too much load, and an application that has used up its share. For the last there is a choice, \`relay.over_limit_answer\`:

- \`status\` (the default): 429 and "session relay limit reached", as the Go HA RelayMiner answers. Clients that read the body know it. PATH does not read it: −25 each time, until the session ends.
- \`signed\`: 200 with a response that the supplier has signed, that carries the original relay miner's error \`relayer_proxy\` 7, and no HTTP response inside. By PATH's source it takes that for what it is: −3, and no more relays of that session to that supplier for thirty minutes. Clients that only look at the status take it for a relay that was served. It is neither metered nor mined. Over gRPC and WebSocket the answer stays the one of the table.

A WebSocket that is open may also be ended without a refusal: a signed 410 and close code 4000, which send a gateway elsewhere, after the answers that are on their way, two seconds at most. So it is at its session's end, when the relayer drains, and when a reload took away its supplier's key, its service or its WebSocket backend; in that last case the close's reason is the text of \`unknown_supplier\`, \`unknown_service\` or \`no_backend\`.

503 carries \`Retry-After\` where another try soon is likely to be served.`;

const cell = (text: string): string => text.replaceAll("|", "\\|");

function render(): string {
  const rows = Object.entries(REJECTS).map(([name, row]) => {
    const reason = name as RejectReason;
    const seconds = new Reject(reason).retryAfter;
    const http = seconds === undefined ? `${row.http}` : `${row.http}, \`Retry-After: ${seconds}\``;
    const cells = [`\`${reason}\``, http, row.grpc, row.websocket, row.text, made(reason), WHY[reason] ?? ""];
    return `| ${cells.map((each) => cell(String(each))).join(" | ")} |`;
  });
  const head = [
    "| reason | HTTP | gRPC | WebSocket | text | PATH | why so |",
    "|---|---|---|---|---|---|---|",
  ];
  return `${[HEAD, "", ...head, ...rows].join("\n")}\n`;
}

test("docs/answers.md tells what the table says; `npm run docs` writes it anew", async () => {
  await expect(render()).toMatchFileSnapshot(DOC);
});
