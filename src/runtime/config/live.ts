/** Settings that a running process takes when it is told to reload, with all below them. Every other one needs a restart. */

export const LIVE_IN_RELAYER: readonly string[] = [
  "keys",
  "services",
  "default_validation_mode",
  "default_max_body_size_bytes",
  "timeout_profiles",
  "pool_profiles",
  "http_transport",
  "relay_meter.enabled",
  "relay_meter.fail_behavior",
  "relay.publish",
  "relay.max_in_flight",
  "relay.drain",
  "logging.level",
];

export const LIVE_IN_MINER: readonly string[] = ["keys", "logging.level"];
