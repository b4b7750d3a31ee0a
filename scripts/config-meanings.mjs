/**
 * What each key of the configuration means, in one or two sentences; docs/configuration.md is made from it and from the schemas.
 * A name is a path, or `<file> <path>` where the two files differ.
 */
const PROFILE_DECIDES = "Every service has a timeout profile, and that decides.";
const BACKEND = "services.<name>.backends.<jsonrpc|rest|cometbft|websocket|grpc>";
const PROFILE = "timeout_profiles.<name>";

const REDIS = {
  "redis.url":
    "One Redis server: `redis://`, `rediss://` (TLS) or `unix:///path`, with `user:password@` and a database number where needed. Redis 6.2 or newer, or Valkey; no Cluster, no Sentinel.",
  "redis.namespace.base_prefix":
    "First part of every key and channel. One fleet, one prefix: relayers and miners must agree.",
  "redis.namespace.cache_prefix": "Cached chain data: `ha:cache:…`.",
  "redis.namespace.events_prefix": "Channels: blocks, cache invalidations, supplier changes.",
  "redis.namespace.streams_prefix": "Streams of mined relays: `ha:relays:<supplier>`.",
  "redis.namespace.miner_prefix": "Sessions, leases and submissions: `ha:miner:…`.",
  "redis.namespace.supplier_prefix": "Suppliers as the miners see them, for the relayers.",
  "redis.namespace.meter_prefix": "What applications have spent per session.",
  "redis.namespace.params_prefix": "Keys that only old Go fleets wrote; nothing is written there.",
  "redis.namespace.consumer_group_prefix": "The streams' consumer group is `<base_prefix>-<this>`.",
  "redis.consumer_name":
    "Name of this miner in leases, the consumer group and heartbeats; must differ between miners. Without it: `miner-<host>-<pid>`.",
  "redis.claim_idle_timeout_ms":
    "Whatever is pending in a supplier's stream is taken over with its lease, and every two seconds after. Only behind a crowd of entries that cannot be applied must an entry have been idle for so long.",
};

const CHAIN = {
  "pocket_node.query_node_rpc_url":
    "CometBFT RPC of a node, or several separated by commas: failover in that order, and the seed block of a proof is compared between them.",
  "pocket_node.query_timeout_seconds": "Patience with one answer of the node.",
  "pocket_node.chain_id": "Must be the node's; the process refuses to start on another chain.",
};

const KEYS = {
  "keys.keys_file":
    "YAML file with the suppliers' private keys, `keys:` and a list of 64 hex digits each. One of `keys_file`, `keys_dir` and `keyring` is needed; several are taken together. Only its owner may use it (`chmod 600`), and it may be no link out of its directory.",
  "keys.keys_dir":
    "Directory (`chmod 700`) with one `*.yaml`, `*.yml` or `*.json` file (`chmod 600`) for each key: `operator_address` and `private_key_hex`, which must fit each other.",
  "keys.keyring.backend":
    "A Cosmos SDK keyring: `file`, encrypted under a password, or `test`, which anybody can open. `os` and `memory` are refused.",
  "keys.keyring.dir": "The directory that holds `keyring-file` or `keyring-test` (`pocketd`'s home).",
  "keys.keyring.app_name": "Only a desktop's keyring is found by it.",
  "keys.keyring.key_names": "Only these keys; empty: all that can sign.",
  "keys.keyring.password_file":
    "File (`chmod 600`) whose first line is the password of a `file` keyring. Without it and `password_env` the password is asked for at the terminal, or read from what is piped in, once at start.",
  "keys.keyring.password_env": "Environment variable with the password.",
  "keys.allow_insecure_permissions":
    "`true` accepts files of keys that others can read or change, as `--allow-insecure-key-permissions` does; each start says so.",
};

const LOGGING = {
  "logging.level": "Lowest level that is logged, to stderr.",
  "logging.format": "One JSON object a line, or text for a terminal.",
};

const SOCKET = "relay.websocket";

const WEBSOCKET = {
  [`${SOCKET}.handshake_signature`]:
    "Signatures in handshakes: not looked at (`off`), checked and only told of in log and metrics (`warn`), or needed (`enforce`: others get 403, and so do clients that send none). Messages are checked one by one in any case.",
  [`${SOCKET}.max_connections`]: "Client connections in all; one more gets 503.",
  [`${SOCKET}.max_connections_per_address`]:
    "Client connections from one address, or one /64 network of IPv6; one more gets 429. Behind a proxy or a gateway all clients share its address.",
  [`${SOCKET}.max_message_bytes`]:
    "Largest message in both directions; a larger one closes the connection with 1009.",
  [`${SOCKET}.messages_at_once`]:
    "Messages of one connection that are checked, or stored, at once, in each direction; further ones wait unread. Their order is kept.",
  [`${SOCKET}.buffered_bytes`]:
    "What may wait to be sent to one peer; above it nothing is read from the other side.",
  [`${SOCKET}.total_buffered_mb`]:
    "Memory for messages that are not whole yet or in work, of all connections; a connection for which there is none left is closed.",
  [`${SOCKET}.early_messages`]:
    "Messages of the backend, of 1 MiB in all, that are kept until the first request; they are answers to it then. Later ones are dropped.",
  [`${SOCKET}.dial_timeout`]: "Patience with the backend's handshake; the client's is answered after it.",
  [`${SOCKET}.ping_interval`]: "How often each peer is pinged.",
  [`${SOCKET}.pong_timeout`]: "A peer that is not heard for so long after a ping is gone.",
  [`${SOCKET}.write_timeout`]:
    "A peer that takes nothing of what waits for it for so long is gone. A peer that is to close has as long.",
  [`${SOCKET}.idle_timeout`]:
    "A connection without a message in either direction is closed after this; `0s`: never.",
  [`${SOCKET}.session_end_lead_blocks`]:
    "A connection is ended (a signed 410, then close code 4000) so many blocks before its session's last one. Connections that begin later than that have the session to its end.",
  [`${SOCKET}.session_end_wait`]:
    "How long after its session's end a client may take to send a request of the next session, and keep its connection.",
};

const RELAYER = {
  listen_addr:
    "The relay port. `/health`, `/healthz`, `/ready` and `/ready/<service>` are answered there too.",
  default_validation_mode:
    "`eager`: session, signature and budget are checked before the backend is asked. `optimistic`: the client is answered first, and a relay that fails a check afterwards is not mined.",
  default_request_timeout_seconds: PROFILE_DECIDES,
  default_max_body_size_bytes: "Largest request body; above it 413.",
  "services.<name>.validation_mode": "Instead of `default_validation_mode`.",
  "services.<name>.timeout_profile": "One of `timeout_profiles`.",
  "services.<name>.pool_profile": "One of `pool_profiles`; without it `http_transport` decides.",
  "services.<name>.max_body_size_bytes": "Instead of `default_max_body_size_bytes`.",
  "services.<name>.default_backend":
    "Backend of a relay without an `Rpc-Type` header; any but `jsonrpc` must be one of `backends`. Without it, and with `websocket` over HTTP, such a relay is refused with 503.",
  "services.<name>.streaming.enabled":
    "`true` passes answers of `content_types` on as they come, in signed batches with `||POKT_STREAM||` behind each. Only clients that know this can read them; PATH cannot. Otherwise such an answer is read whole and signed once.",
  "services.<name>.streaming.content_types": "Which answers of the backend are streams, parameters left out.",
  "services.<name>.streaming.timeout_profile":
    "Its `request_seconds` are how long a stream may last, from the request on. Until the backend's answer begins, the service's own profile decides.",
  "services.<name>.streaming.at_time_limit":
    "`break_off`: a stream that lasts longer is broken off like one whose backend fails, and earns nothing. `end`: it is ended as if the backend had, and is paid; for subscriptions, which have no end of their own and whose clients ask again.",
  "services.<name>.streaming.idle_seconds":
    "A backend that sends nothing for so long is given up; 0 for never. Time in which the client reads nothing does not count.",
  "services.<name>.streaming.max_line_bytes":
    "Batches end where lines end. A longer line is passed on in pieces of this size; nothing of it is lost.",
  "services.<name>.streaming.max_megabytes": "Largest stream; a larger one is broken off.",
  [`${BACKEND}.url`]:
    "One `http://` or `https://` endpoint; of `websocket` a `ws://` or `wss://` one, of `grpc` also `host:port`, `grpc://` or `grpcs://`. Give exactly one of `url` and `urls`.",
  [`${BACKEND}.urls`]: "Several endpoints, each a URL or a name with a URL.",
  [`${BACKEND}.base_path`]: "Path in front of every request's path, instead of the URL's own.",
  [`${BACKEND}.load_balancing`]:
    "`round_robin`: in turn. `first_healthy`: the first that is well. Endpoints that are left out (see `recovery_timeout_seconds`) have no turn.",
  [`${BACKEND}.headers.<name>`]: "Header sent to the backend; wins over the client's.",
  [`${BACKEND}.authentication.username`]: "With `password`: Basic authentication.",
  [`${BACKEND}.authentication.password`]: "See `username`.",
  [`${BACKEND}.authentication.bearer_token`]: "`Authorization: Bearer <token>`; wins over the others.",
  [`${BACKEND}.authentication.plain_token`]: "`Authorization: <token>`; wins over `username`.",
  [`${BACKEND}.health_check.enabled`]:
    "Ask each endpoint again and again whether it is well. One that is not gets no requests; when none is left, relays are answered 503 at once and `/ready/<service>` is 503.",
  [`${BACKEND}.health_check.endpoint`]:
    "What is asked, under the endpoint's base path. Needed for `enabled` checks unless there is a `base_path`.",
  [`${BACKEND}.health_check.interval_seconds`]:
    "Time between two checks, give or take a tenth. Needed for `enabled` checks.",
  [`${BACKEND}.health_check.timeout_seconds`]: "Patience with one check.",
  [`${BACKEND}.health_check.unhealthy_threshold`]:
    "Failures in a row after which an endpoint is down: checks 3, relays (see `recovery_timeout_seconds`) 5, or this for both.",
  [`${BACKEND}.health_check.healthy_threshold`]: "Checks that must pass in a row before it is up again.",
  [`${BACKEND}.health_check.method`]: "Of the check's request.",
  [`${BACKEND}.health_check.request_body`]: "Of the check's request.",
  [`${BACKEND}.health_check.content_type`]: "Of `request_body`; without it `application/json`.",
  [`${BACKEND}.health_check.expected_body`]: "Text that the answer must hold.",
  [`${BACKEND}.health_check.expected_status`]: "Statuses that pass; without any, 200 to 299.",
  [`${BACKEND}.health_check.headers.<name>`]:
    "Sent with the check, besides the backend's `headers` and `authentication`.",
  [`${BACKEND}.max_retries`]:
    "How often a relay is tried at another endpoint after a 5xx or when one cannot be reached, within the relay's time and `relay.backend_limits.retry_percent`.",
  [`${BACKEND}.recovery_timeout_seconds`]:
    "How long an endpoint is left out after faults in a row (`health_check.unhealthy_threshold` of them, 5 without it); then one request tries it. `0`: never left out. Only 5xx, refused, reset and unreachable count, and the last endpoint that is well always stays.",
  "relayer.yaml metrics.enabled": "Serve `/metrics` for Prometheus.",
  "relayer.yaml metrics.addr": "Where. The Go peer's default is every interface.",
  "health_check.enabled": "Serve `/health` and `/ready` on a port of their own.",
  "health_check.addr": "Where.",
  "relay_meter.enabled":
    "Count each relay against what its application can pay this supplier in this session. `false` serves unmetered; relays are checked all the same.",
  "relay_meter.fail_behavior":
    "When the count cannot be made, because Redis or the chain does not answer: `open` serves unmetered, `closed` answers 503.",
  "relay_meter.cache_ttl": "Life of the counters in Redis; longer than any session.",
  "http_transport.max_conns_per_host": "Connections to one endpoint at most; further requests wait.",
  "http_transport.idle_conn_timeout_seconds": "An idle connection is closed after this.",
  "http_transport.dial_timeout_seconds": PROFILE_DECIDES,
  "http_transport.response_header_timeout_seconds": PROFILE_DECIDES,
  [`${PROFILE}.request_seconds`]:
    "Patience with a whole answer; above it 504. `fast` is built in with these defaults, other names are your own.",
  [`${PROFILE}.response_header_seconds`]: "Patience until the answer begins; 0 is without limit.",
  [`${PROFILE}.dial_seconds`]: "Patience with the connection, TLS included.",
  "timeout_profiles.streaming.request_seconds":
    "The same for the built-in profile `streaming`, made for slow answers.",
  "timeout_profiles.streaming.response_header_seconds": "The same.",
  "timeout_profiles.streaming.dial_seconds": "The same.",
  "pool_profiles.<name>.max_conns_per_host":
    "Connections to one endpoint at most; further requests wait. `0`: no bound of its own. Profiles `low` (10), `medium` (100) and `high` (250) are there without being configured.",
  "pool_profiles.<name>.max_waiting": "Instead of `relay.backend_limits.max_waiting`.",
  "pool_profiles.<name>.max_wait": "Instead of `relay.backend_limits.max_wait`.",
  "relay.backend_limits.max_waiting":
    "Requests of one backend that may wait for a connection; one more is answered 503 with `Retry-After`. Where there are several backends, none may have more than half of `relay.max_in_flight` in work and waiting.",
  "relay.backend_limits.max_wait":
    "How long a request may wait for a connection; then it is answered 503. One that would wait longer, as the backend's latest times tell, is answered so at once.",
  "relay.backend_limits.retry_percent":
    "Retries of a backend, as a part of its requests of the last ten seconds; ten are free. `0`: none.",
  "relay.backend_limits.max_response_mb":
    "Largest answer of a backend, as it comes and inflated; a larger one is given up with 502.",
  "relay.backend_limits.max_buffered_mb":
    "All answers that are being read at one time; what does not fit is given up with 503.",
  "pool_profiles.<name>.idle_conn_timeout_seconds":
    "An idle connection is closed after this; `0`: when the backend closes it.",
  "relay.publish":
    "Eager mode: when a mined relay is stored in Redis. `before_reply`: a client that got its answer can be sure of it. `after_reply`: faster, and a crash in between loses the relay's pay.",
  "relay.instance_id":
    "Name of this relayer in heartbeats and acknowledgements. Without it: `relayer-<host>-<pid>`.",
  "relay.streaming.max_streams":
    "Streams at once, of all services. One more is answered 503. Each holds at most two batches and a line.",
  "relay.streaming.slow_client_seconds":
    "A client that leaves no room for more of a stream for so long is given up. Until then the backend waits.",
  "response_compression.enabled":
    "Compress answers with gzip for clients that accept it. It costs CPU for each; worth it where traffic is paid for.",
  "response_compression.min_size_bytes": "Smaller answers are sent as they are.",
  "relay.tls.cert_file":
    "PEM file with the relay port's certificate and its chain: the port then speaks TLS only. A renewed one is used within a minute.",
  "relay.tls.key_file": "PEM file with the certificate's private key.",
  "relay.tls.min_version": "Oldest version of TLS that is spoken.",
  "relay.limits.connections": "Connections on the relay port at once; one more is closed.",
  "relay.limits.connections_per_source":
    "The same for one address, or one /64 network of IPv6; 0 is without limit. Behind a load balancer all connections have its address.",
  "relay.limits.pipelined_requests":
    "Requests of one connection of HTTP/1.1 that wait for the answer to an earlier one; the next is refused, and then the connection is closed. Clients send one at a time as a rule.",
  "relay.limits.streams_per_connection": "Requests in work on one connection of HTTP/2 or gRPC.",
  "relay.limits.resets_per_second":
    "Requests that a connection of HTTP/2 may break off within a second; above it, the connection is closed.",
  "relay.limits.control_frames_per_second":
    "Pings and settings that it may send within a second, besides some for each request and its answer, as gRPC's clients send them; above it, the connection is closed.",
  "relay.limits.flood_penalty_seconds":
    "After such a flood, new connections of HTTP/2 from the same address (of IPv6: the same /64 network) are served one at a time, a second apart, then two, four and so on, up to this. One that would wait longer is closed. It ends a minute after the last flood. 0 for none, as where many clients come with the address of one load balancer.",
  "relay.limits.unread_mb":
    "Megabytes of answers that wait for slow clients, of all together; above it, those who have waited longest are broken off. Whoever does not read an answer within 30 seconds, and a second more per megabyte, is broken off anyway.",
  "relay.grpc_web.allowed_origins":
    "Pages of browsers that may call gRPC-Web here, such as `https://app.example`; `*` for any. None: preflights are not answered.",
  "relay.hot_reload_enabled":
    "Files of keys that change are read again within seconds. What cannot be read or is still being written changes nothing.",
  "relay.max_in_flight": "Relays in work at once; one more is answered 503.",
  "relay.verify_workers":
    "Threads that verify ring signatures beside the main one. `auto`: half of the threads that this process may run at once, 4 at most: the machine's or those it is bound to, and no more than a container's or service's CPU quota.",
  "relay.verify_queue":
    "Ring signatures that may wait. One more is answered 503, and so is one that has waited two seconds; an application may take half of the places, so that others always find one.",
  "relay.verify_tables_mb":
    "Most memory for tables of keys, for the main thread and for each worker, taken as it is needed: a key takes 64 KiB and a gateway's 96, less with small tables. With too little of it, tables are built again and again.",
  "simulation.enabled":
    "Answers relays that only try the way to the backend: header `Pocket-Simulation-Key-Id`, session id `simv1:<unix seconds>:<16 hex digits>`, a ring of the keys pinned here. They are never metered or mined, and counted only in `ha_relayer_simulated_*`. While this is `false` the section is not looked at.",
  "simulation.max_concurrent":
    "Simulated relays in work at once; more are refused with 429, over WebSocket with close code 1013. The last message of a WebSocket is in work until it is answered.",
  "simulation.freshness_window_seconds":
    "How far the time in the session id may be from this machine's. A simulated relay is remembered in Redis for twice that, and refused with 409 when it comes again.",
  "simulation.identities":
    "Who may send them, at least one: `key_id` (once), `enabled` (default `false`), `not_after` (a time, optional), `max_rps` (5; 0 means 5), `app_pubkey_hex`, `gateway_pubkeys_hex` (at least one), `allowed_services` (empty: all). Keys are compressed, 66 hex digits; the placeholder key is refused.",
  "relay.over_limit_answer":
    "What an application over its limit is answered over HTTP. `status`: 429, as the Go peer. `signed`: a signed 200 with the error that PATH recognises, which costs the least reputation there; [answers.md](answers.md) has the why.",
  "relay.replays":
    "Where a relay is remembered, so that nobody has it served twice: in this `process`; in Redis for the whole `fleet` too, by the call that meters it, at some 80 bytes a relay; or not at all (`off`). A relay that was taken before is refused with 409. It is remembered once its signature is verified, forgotten when it fails after that, and in any case when its session is over.",
  "relay.replays_by":
    "What is the same relay. `signature`: one signature, from whichever ring member it is written; equal requests that are signed anew are new relays, as gateways need it. `request`: one signed request of a session, so that equal requests are served once whoever signs them.",
  "relay.replay_memory_mb":
    "Memory for what is remembered here, 8 bytes a relay and room; above it the oldest relays are forgotten (`ha_relayer_replay_forgotten_total`).",
  "relay.verify_tables":
    "`small`: tables of an eighth of the size, and signatures take about 1.6 times as long. `auto`: small if `verify_tables_mb` is below 64.",
  "relay.drain.delay":
    "At SIGTERM or `relay drain`: how long relays are served on while `/ready` says 503, so that load balancers notice. SIGINT does without.",
  "relay.drain.timeout": "How long relays in work may take after that, before they are given up.",
  "relay.redis_wait":
    "A relayer that is started while Redis is away, or loads its data, waits for it so long and then comes up by itself. Until then `/health` says 200, `/ready` 503, and the relay port is closed. After it the process exits with 69, for the service manager to start it again. `0s`: it exits at once. A wrong password is not waited for.",
  "relay.spool.enabled":
    "Whether relays go to this machine's disk while Redis takes none, and from there to Redis. Without it they are refused.",
  "relay.spool.dir":
    "Where; relative to this file's directory. By default `<this file>.spool`, or a directory of the user's data directory where that cannot be written. Relayers may share it. In a container: a volume.",
  "relay.spool.max_mb":
    "Most megabytes there, of each relayer. A relay above it is answered 503, and `/ready` with 503.",
};

const MINER = {
  "transaction.gas_limit": "0: the node is asked to simulate each transaction.",
  "transaction.gas_price": "Fee per unit of gas.",
  "transaction.gas_adjustment": "Simulated gas times this is the limit.",
  "transaction.disable_claim_batching":
    "One transaction for each claim, instead of one for all of a supplier that are due.",
  "transaction.disable_proof_batching": "The same for proofs.",
  "transaction.disable_pre_proof_claim_verification": "Only `false` is accepted.",
  "transaction.disable_inclusion_reconciler": "Only `false` is accepted.",
  "transaction.max_rebroadcasts":
    "How often a claim or a proof that is not on chain is sent again after the first time, at least two blocks apart and inside its window.",
  "transaction.rebroadcast_safety_blocks": "The last sending is in the block before the window's last one.",
  "transaction.tx_timeout_min_seconds": "Shortest life of a transaction.",
  "transaction.tx_timeout_max_seconds": "Longest life of a transaction; the chain refuses more than 600.",
  "transaction.tx_timeout_default_seconds": "Its life when the window has no time left.",
  "transaction.tx_timeout_clock_skew_buffer_seconds": "Taken off the time that the window has left.",
  block_time_seconds: "Block times are measured.",
  batch_size: "Stream entries read of one supplier at once.",
  hot_reload_enabled:
    "Files of keys that change are read again within seconds. What cannot be read or is still being written changes nothing.",
  session_ttl: "An open session does not expire.",
  cache_ttl: "What has no open end in Redis has a life of its own.",
  submission_tracking_ttl: "How long Redis keeps what was submitted for a session, and what became of it.",
  supplier_reconcile_interval_seconds:
    "How often the chain's record of each supplier is read and written down for the relayers. 0 or less: at start only.",
  known_applications: "An application is read when its first relay arrives.",
  default_service_factor:
    "Part of an application's stake that one supplier may serve in one session, for services without their own factor. 0: the stake split among the session's suppliers and the sessions that are not settled yet.",
  "service_factors.<name>": "The same for one service.",
  "leader_election.leader_ttl_seconds":
    "Lease of the fleet's leader, which tells the others of blocks and publishes the service factors.",
  "leader_election.heartbeat_rate_seconds": "How often it is renewed.",
  "supplier_claiming.claim_ttl_seconds":
    "Lease of a supplier. A killed miner's suppliers are free after this. The Go peer's default is 90.",
  "supplier_claiming.renew_rate_seconds": "How often leases are renewed and free suppliers taken.",
  "session_lifecycle.max_concurrent_transitions":
    "Each supplier is looked at once per block, one at a time within itself.",
  "miner.yaml metrics.enabled": "Serve `/metrics`, `/health` and `/ready`.",
  "miner.yaml metrics.addr": "Where. The Go peer's default is every interface.",
  "miner.apply_batch":
    "Relays that one script adds to a session's trie at most. Redis does nothing else meanwhile, some 30 µs for each.",
  "miner.transactions_at_once":
    "Transactions that are simulated and sent at once, over all suppliers. The others wait, and the one whose window closes first is next (`ha_miner_submissions_waiting`). A node asked for all at once answers none in time.",
  "miner.trie_memory_mb":
    "Memory for the tries of open sessions, some 180 bytes a leaf. Past it the one used longest ago is dropped, and read again from Redis where its next relays need it.",
  "miner.redis_wait": "As `relay.redis_wait`. `/health` and `/ready` of a miner are at `metrics.addr`.",
  "miner.settled_record_ttl": "How long the record of a session that is over is kept.",
};

export const MEANINGS = { ...REDIS, ...CHAIN, ...KEYS, ...LOGGING, ...RELAYER, ...WEBSOCKET, ...MINER };

export const ROLES = [
  {
    file: "relayer.yaml",
    about:
      "Needed: `pocket_node.query_node_rpc_url`, a source under `keys` and at least one of `services`.\n\nA running relayer takes these anew on SIGHUP or `relayminer config reload`, all at once or not at all: `keys`, `services`, `default_validation_mode`, `default_max_body_size_bytes` (up to the largest body that any service took at start), `timeout_profiles`, `pool_profiles`, `http_transport`, `relay_meter.enabled`, `relay_meter.fail_behavior`, `relay.publish`, `relay.max_in_flight`, `relay.drain`, `logging.level`. What is in work ends with what it began with, streams too, and backends that stayed the same keep their connections. WebSockets stay open, at the backend they have; those whose supplier's key or whose WebSocket backend was taken away are ended with a signed 410 and close code 4000, after the answers that are on their way. A change of any other setting is refused with its name: it needs a restart.",
  },
  {
    file: "miner.yaml",
    about:
      "Needed: `pocket_node.query_node_rpc_url` and a source under `keys`.\n\nA running miner takes these anew on SIGHUP or `relayminer config reload`: `keys` and `logging.level`. A change of any other setting is refused with its name: it needs a restart. A supplier whose key was removed finishes the sessions it has relays of, from memory, and is then let go; the log says so. Stop the miner before that, and nobody can claim them.",
  },
];
