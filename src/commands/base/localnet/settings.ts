/** What the flags of `relayminer localnet` say. */
export type LocalnetSettings = {
  /** Sessions that are given relays. */
  readonly sessions: number;
  /** Relays in all; 0 brings the network up without any. */
  readonly relays: number;
  readonly blockTimeMs: number;
  readonly suppliers: number;
  /** Absolute path; emptied at start when it was a localnet's before. */
  readonly directory: string;
  /** Goes on running after the report. */
  readonly keep: boolean;
  /** Relays per second after the report, with `keep`; 0 for none. */
  readonly rps: number;
  /** A relayer or miner that ends is started again. */
  readonly restart: boolean;
  /** The same seed gives the same keys and the same chain. */
  readonly seed: number;
  /** First of the ports; undefined: the next free ones. */
  readonly port: number | undefined;
  /** Path of a redis-server; undefined: the one on PATH. */
  readonly redisServer: string | undefined;
  readonly version: string;
};
