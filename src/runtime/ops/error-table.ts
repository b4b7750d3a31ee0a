/** Exit codes of every command: sysexits where they fit. Documented in docs/errors.md. */
export const EXIT = {
  failed: 1,
  foundProblems: 2,
  partial: 3,
  refused: 4,
  usage: 64,
  badData: 65,
  missingFile: 66,
  unreachable: 69,
  bug: 70,
  cannotWrite: 73,
  tryAgain: 75,
  permission: 77,
  config: 78,
} as const;

type Row = { readonly exit: number; readonly todo: string };

/**
 * Every error code that can end a command: its exit code and what the operator does next.
 * The third line of an error message and docs/errors.md are made from it.
 */
export const ERRORS = {
  CONFIG_INVALID: { exit: EXIT.config, todo: "Correct the keys named above, then start again." },
  CONFIG_MISSING: { exit: EXIT.missingFile, todo: "Give the path of the YAML file with --config." },
  CONFIG_UNREADABLE: { exit: EXIT.config, todo: "Make the file readable for this user and valid YAML." },
  NOT_SUPPORTED_YET: { exit: EXIT.config, todo: "Remove the setting; CHANGELOG.md tells when it is built." },
  KEYS_MISSING: {
    exit: EXIT.missingFile,
    todo: "Point keys.keys_file at an existing file with your suppliers' keys.",
  },
  KEYS_UNREADABLE: {
    exit: EXIT.permission,
    todo: "Let this user, and only this user, read it: chmod 600 <file>.",
  },
  KEYS_PERMISSION: { exit: EXIT.permission, todo: "Let only its owner read it: chmod 600 <file>." },
  KEYS_INVALID: {
    exit: EXIT.badData,
    todo: "Each entry is 64 hex digits; correct or remove the one named above.",
  },
  REDIS_UNREACHABLE: { exit: EXIT.unreachable, todo: "Start Redis, or point redis.url at a running one." },
  REDIS_UNSUPPORTED: {
    exit: EXIT.config,
    todo: "Use Redis 6.2 or newer, or Valkey, with AOF and noeviction.",
  },
  CHAIN_UNREACHABLE: {
    exit: EXIT.unreachable,
    todo: "Start the node, or point pocket_node.query_node_rpc_url at a running one.",
  },
  CHAIN_TIMEOUT: {
    exit: EXIT.unreachable,
    todo: "Check the node's load, or name a second endpoint in pocket_node.query_node_rpc_url.",
  },
  CHAIN_BAD_ANSWER: {
    exit: EXIT.unreachable,
    todo: "Check that pocket_node.query_node_rpc_url is a CometBFT RPC endpoint.",
  },
  CHAIN_ID_MISMATCH: {
    exit: EXIT.config,
    todo: "Correct pocket_node.chain_id, or point query_node_rpc_url at a node of that chain.",
  },
  CHAIN_NOT_FOUND: { exit: EXIT.failed, todo: "Check the address or id; the chain does not know it." },
  LISTEN_FAILED: {
    exit: EXIT.unreachable,
    todo: "Free the address, or choose another one in the configuration.",
  },
  LOCALNET_MISSING: {
    exit: EXIT.missingFile,
    todo: "Start one with: relayminer localnet --keep --dir <dir>",
  },
  LOCALNET_FAILED: {
    exit: EXIT.failed,
    todo: "Read the logs in the localnet's directory, then try again with an empty one.",
  },
  LOCALNET_UNBALANCED: {
    exit: EXIT.failed,
    todo: "Relays were lost or doubled; the logs in the directory tell which.",
  },
  REDIS_SERVER_MISSING: { exit: EXIT.unreachable, todo: "Install it: sudo apt-get install -y redis-server" },
  ACKS_MISSING: {
    exit: EXIT.partial,
    todo: "Look at the named replica: it is alive in Redis but did not answer.",
  },
  NO_TERMINAL: {
    exit: EXIT.usage,
    todo: "Run it in a terminal of at least 60x15; scripts use the --json of the other commands.",
  },
  USAGE: { exit: EXIT.usage, todo: "See the command's --help." },
  BAD_ADDRESS: { exit: EXIT.usage, todo: "Give a bech32 address that starts with pokt1." },
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof ERRORS;

const BUG: Row = { exit: EXIT.bug, todo: "This is a defect of relayminer: please report it with the log." };

/** The row of a code; a code without a row is a defect of ours and says so. */
export const errorRow = (code: string): Row =>
  Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : BUG;
