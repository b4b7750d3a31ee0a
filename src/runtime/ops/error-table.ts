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

type Row = {
  readonly exit: number;
  /** What has happened, for docs/errors.md. */
  readonly means: string;
  /** What the operator does next: the third line of the message. */
  readonly todo: string;
};

/**
 * Every error code that can end a command. The third line of an error message and docs/errors.md are made from it (`npm run docs`);
 * a test holds every code thrown in src against it.
 */
export const ERRORS = {
  CONFIG_INVALID: {
    exit: EXIT.config,
    means:
      "A setting is unknown, has a value of the wrong kind, or is not supported yet. Every such key is named with its line; an unknown one with the valid key that is nearest to it.",
    todo: "Correct the keys named above, then start again; --check reads the file without starting.",
  },
  CONFIG_MISSING: {
    exit: EXIT.missingFile,
    means: "There is no file at the path given.",
    todo: "Give the path of the YAML file with --config.",
  },
  CONFIG_UNREADABLE: {
    exit: EXIT.config,
    means: "The file is there, but this user may not read it, it is a directory, or it is not YAML.",
    todo: "Make it a file that this user can read and that is valid YAML.",
  },
  KEYS_MISSING: {
    exit: EXIT.missingFile,
    means:
      "A source of keys is not there, or holds none: keys.keys_file, keys.keys_dir, keys.keyring.dir, or a name in keys.keyring.key_names.",
    todo: "Point keys.keys_file, keys.keys_dir or keys.keyring at your suppliers' keys.",
  },
  KEYS_UNREADABLE: {
    exit: EXIT.permission,
    means:
      "A file of keys is there, but this user may not read it, or it is a directory or a device, or far too large.",
    todo: "Let this user, and only this user, read it: chown it to this user and chmod 600 <file>.",
  },
  KEYS_PERMISSION: {
    exit: EXIT.permission,
    means:
      "Others than its owner may use a file or a directory of keys, another user owns it, or it is a symbolic link out of its directory. --allow-insecure-key-permissions or keys.allow_insecure_permissions: true accepts that, at your risk; every start then says so.",
    todo: "Let only its owner use it: chmod 600 <file>, chmod 700 <directory>.",
  },
  KEYS_INVALID: {
    exit: EXIT.badData,
    means:
      "A keys file is no YAML with a list `keys`, a file of keys_dir has no `operator_address` and `private_key_hex`, or an entry is no private key. It is named by its place; keys are never shown.",
    todo: "A private key is 64 hex digits; correct or remove the one named above.",
  },
  KEYS_MISMATCH: {
    exit: EXIT.badData,
    means:
      "A file of keys_dir names another address than its key has, or a keyring's record contradicts itself.",
    todo: "Correct operator_address, or put the right key into the file.",
  },
  KEYRING_INVALID: {
    exit: EXIT.badData,
    means:
      "A file of the Cosmos keyring is damaged, is in another form than the SDK writes, or holds no key that can sign for a supplier. It is named.",
    todo: "Restore the file from a backup, or export and import the key again (pocketd keys export, import).",
  },
  KEYRING_PASSWORD_MISSING: {
    exit: EXIT.config,
    means: "The keyring is of kind `file`, and nothing says what its password is.",
    todo: "Set keys.keyring.password_file (mode 0600) or keys.keyring.password_env, or start at a terminal and enter it.",
  },
  KEYRING_PASSWORD_WRONG: {
    exit: EXIT.permission,
    means: "The password is not the one that the keyring was made with.",
    todo: "Correct the file or the variable that keys.keyring names; pocketd keys list --keyring-backend file tries one.",
  },
  KEY_NOT_HELD: {
    exit: EXIT.config,
    means: "Something is to be signed for a supplier whose key is not held.",
    todo: "Add the supplier's key to one of the sources under keys, then reload.",
  },
  RELOAD_NEEDS_RESTART: {
    exit: EXIT.refused,
    means:
      "The new configuration changes settings that a running process cannot change: where it listens, its Redis, its node and the like. All of them are named; nothing was taken, also not what could have been.",
    todo: "Restart the process for these settings, or take them back and reload the rest.",
  },
  RELOAD_BUSY: {
    exit: EXIT.tryAgain,
    means: "More reloads wait for their turn than anybody can need.",
    todo: "Wait until the ones under way are done, then try again.",
  },
  RELOAD_REFUSED: {
    exit: EXIT.refused,
    means:
      "At least one process did not take the new configuration: it is not valid there, needs a restart, or the keys cannot be read. Each such process is named with its reason and works on with what it had.",
    todo: "Correct what is named above on that process's machine, then reload again; --dry-run changes nothing.",
  },
  REPLICA_UNKNOWN: {
    exit: EXIT.usage,
    means: "No process of that name is running, or none at all is.",
    todo: "Give a name that `relayminer cache list` or the dashboard shows.",
  },
  REDIS_UNREACHABLE: {
    exit: EXIT.unreachable,
    means: "No connection to Redis could be made, or it broke before Redis answered.",
    todo: "Start Redis, or point redis.url (or --redis) at a running one.",
  },
  REDIS_LOADING: {
    exit: EXIT.unreachable,
    means: "Redis runs, and is still reading its data from disk. Until it has, it answers nothing.",
    todo: "Wait until it has: redis-cli info persistence shows loading_eta_seconds.",
  },
  REDIS_TIMEOUT: {
    exit: EXIT.unreachable,
    means: "Redis is connected, but did not answer within three seconds.",
    todo: "Look at its load and its disk: redis-cli --latency, redis-cli slowlog get.",
  },
  REDIS_REFUSED: {
    exit: EXIT.unreachable,
    means:
      "Redis answered with an error. NOAUTH and WRONGPASS: the password in redis.url. NOPERM: the user's rights. OOM: its memory limit. MISCONF: it cannot write to its disk. READONLY: it is a replica.",
    todo: "Read Redis' own words above; they name the command and the reason.",
  },
  REDIS_UNSUPPORTED: {
    exit: EXIT.config,
    means: "The URL is of a kind that is not supported, or the server is too old or a cluster.",
    todo: "Use redis://, rediss:// or unix:// to Redis 6.2 or newer, or Valkey, with AOF and noeviction.",
  },
  REDIS_FOREIGN_VALUE: {
    exit: EXIT.badData,
    means: "A key of the fleet holds a value of another type: something else writes to this Redis.",
    todo: "Use a Redis, a database number or redis.namespace.base_prefix of your own.",
  },
  REDIS_BAD_VALUE: {
    exit: EXIT.badData,
    means: "A value in Redis cannot be read: it was written by something else or by another version.",
    todo: "Look at the key with redis-cli; a cache key may be deleted, a session may not.",
  },
  REDIS_SERVER_MISSING: {
    exit: EXIT.unreachable,
    means: "A local network starts a redis-server of its own, and there is none on PATH.",
    todo: "Install it: sudo apt-get install -y redis-server",
  },
  BAD_KEY_PART: {
    exit: EXIT.usage,
    means: "An id holds characters that have no place in a Redis key.",
    todo: "Give an id of letters, digits and . _ - @ only.",
  },
  CHAIN_UNREACHABLE: {
    exit: EXIT.unreachable,
    means: "None of the configured endpoints could be reached, or they answered with an HTTP error.",
    todo: "Start the node, or point pocket_node.query_node_rpc_url at a running one.",
  },
  CHAIN_TIMEOUT: {
    exit: EXIT.unreachable,
    means: "The endpoints did not answer within pocket_node.query_timeout_seconds.",
    todo: "Check the node's load, or name a second endpoint in pocket_node.query_node_rpc_url.",
  },
  CHAIN_BAD_ANSWER: {
    exit: EXIT.unreachable,
    means: "What answered is not a CometBFT RPC endpoint of a Pocket node, or it is one that is broken.",
    todo: "Check that pocket_node.query_node_rpc_url is a CometBFT RPC endpoint.",
  },
  CHAIN_ID_MISMATCH: {
    exit: EXIT.config,
    means: "The node is on another chain than pocket_node.chain_id says. Nothing was signed.",
    todo: "Correct pocket_node.chain_id, or point query_node_rpc_url at a node of that chain.",
  },
  CHAIN_NOT_FOUND: {
    exit: EXIT.failed,
    means: "The chain does not know the application, supplier, service or account.",
    todo: "Check the address or id; the chain does not know it.",
  },
  CHAIN_REFUSED: {
    exit: EXIT.failed,
    means: "The node answered a query with an error of its own; its text is given.",
    todo: "Read the node's words above; a node that is pruned or still syncing cannot answer everything.",
  },
  CHAIN_TX_REFUSED: {
    exit: EXIT.failed,
    means: "The chain does not take a transaction; code and codespace are the chain's own.",
    todo: "Read the chain's words above; for a lack of funds, send the supplier some upokt.",
  },
  LISTEN_FAILED: {
    exit: EXIT.unreachable,
    means: "An address to listen on is taken, is not one of this host, or needs more rights.",
    todo: "Free the address, or choose another one in the configuration.",
  },
  TLS_INVALID: {
    exit: EXIT.config,
    means: "The files of relay.tls cannot be read, are not PEM, or the key is not the certificate's.",
    todo: "Point relay.tls.cert_file and key_file at a PEM certificate chain and its key, readable by this user.",
  },
  GENESIS_INVALID: {
    exit: EXIT.badData,
    means: "The genesis of a devnet names something wrong; every problem is listed.",
    todo: "Correct the genesis file at the places named above.",
  },
  DEVNET_REFUSED: {
    exit: EXIT.failed,
    means: "A devnet's chain refused what its control API was asked to do.",
    todo: "Read the chain's words above; the devnet enforces the rules of the real chain.",
  },
  LOCALNET_MISSING: {
    exit: EXIT.missingFile,
    means: "No local network runs in the directory: it has no localnet.json.",
    todo: "Start one with: relayminer localnet --keep --dir <dir>",
  },
  LOCALNET_FAILED: {
    exit: EXIT.failed,
    means: "A part of the local network did not start or ended too early.",
    todo: "Read the logs in the localnet's directory, then try again with an empty one.",
  },
  LOCALNET_UNBALANCED: {
    exit: EXIT.failed,
    means: "Answered, leaves, claimed and settled relays of a local network are not the same number.",
    todo: "Relays were lost or doubled; the logs in the directory tell which.",
  },
  NOT_IN_RING: {
    exit: EXIT.usage,
    means: "None of the private keys given may sign relays of the application in this session.",
    todo: "Give the application's own key, or that of a gateway that it has delegated to.",
  },
  KEY_UNKNOWN: {
    exit: EXIT.failed,
    means: "The chain has no public key of an account that is needed to sign a relay or to check its answer.",
    todo: "An account's key is on chain from its first transaction on; ask another supplier or application.",
  },
  NO_SUPPLIERS: {
    exit: EXIT.failed,
    means: "The application's session for the service has no suppliers: nobody could answer.",
    todo: "Check the service's id, or wait for the next session after a supplier has staked for it.",
  },
  NOT_IN_SESSION: {
    exit: EXIT.failed,
    means: "The supplier is not among those that the chain has chosen for the application's session.",
    todo: "Ask one of those named above, or leave --supplier out.",
  },
  NO_ENDPOINT: {
    exit: EXIT.failed,
    means: "The suppliers of the session have staked no usable endpoint for this kind of relay.",
    todo: "Give the relayer's address with --relayer-url.",
  },
  RELAYER_UNREACHABLE: {
    exit: EXIT.unreachable,
    means: "No connection to the relayer could be made, or it broke before an answer was there.",
    todo: "Start the relayer, or give its address with --relayer-url.",
  },
  RELAYER_TIMEOUT: {
    exit: EXIT.unreachable,
    means: "The relayer took the relay and did not answer within --timeout.",
    todo: "Look at the relayer's log and its backend, or wait longer with --timeout.",
  },
  RELAY_BROKEN_OFF: {
    exit: EXIT.foundProblems,
    means:
      "The answer began, and the connection was closed before its end. A relayer breaks a stream off when it would end too late for its session's claim, when the backend fails or is silent for too long, or when the relay cannot be stored; such a relay is not paid for.",
    todo: "Send it again: near a session's end the next session serves it. The relayer counts these by reason in ha_relayer_streaming_relays_broken_off_total.",
  },
  RELAY_REFUSED: {
    exit: EXIT.foundProblems,
    means: "The relayer judged the relay and said no; its status and its words are given.",
    todo: "Read the relayer's words above; it counts them in ha_relayer_relays_rejected_total (simulated ones in ha_relayer_simulated_relays_total) and logs them at level debug.",
  },
  RELAY_BAD_ANSWER: {
    exit: EXIT.foundProblems,
    means:
      "What came back is no answer that the supplier has signed for this relay: a gateway would turn away from this supplier.",
    todo: "Check that the relayer holds this supplier's key, and that --relayer-url is a relay port.",
  },
  RELAY_ERROR_INSIDE: {
    exit: EXIT.foundProblems,
    means:
      "The answer is good and signed, and what the backend said in it is an error. The supplier is paid for it below status 500.",
    todo: "Look at the request (--payload, --path, --method) and at the backend.",
  },
  ACKS_MISSING: {
    exit: EXIT.partial,
    means:
      "A replica did not acknowledge a command in time, or answered that it failed. It may go on with old values. What was deleted in Redis stays deleted, and the other replicas have obeyed.",
    todo: "Look at that process and its log; if it hangs, restart it (it starts with an empty memory), then repeat the command.",
  },
  DRAIN_UNFINISHED: {
    exit: EXIT.partial,
    means:
      "A relayer that was asked to drain still runs: relays in work may take up to relay.drain.timeout after relay.drain.delay.",
    todo: "Look at its log, or wait longer with --timeout.",
  },
  CACHE_SCAN_UNFINISHED: {
    exit: EXIT.partial,
    means: "Redis holds millions of keys, and not all of them were looked at.",
    todo: "Give this fleet a Redis of its own, or name one --app, --service or --supplier.",
  },
  NO_TERMINAL: {
    exit: EXIT.usage,
    means: "The dashboard needs a terminal that it can draw on.",
    todo: "Run it in a terminal of at least 60x15; scripts use the --json of the other commands.",
  },
  USAGE: {
    exit: EXIT.usage,
    means: "A command was called with flags that do not go together or with a value that cannot be right.",
    todo: "See the command's --help.",
  },
  BAD_ADDRESS: {
    exit: EXIT.usage,
    means: "The text is no bech32 address of this chain: a character is wrong or missing.",
    todo: "Give a bech32 address that starts with pokt1.",
  },
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof ERRORS;

const BUG: Row = {
  exit: EXIT.bug,
  means: "Something happened that the program does not expect.",
  todo: "This is a defect of relayminer: please report it with the log.",
};

/** The row of a code; a code without a row is a defect of ours and says so. */
export const errorRow = (code: string): Row =>
  Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : BUG;
