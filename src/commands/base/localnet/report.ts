import { highest } from "./highest.ts";

/** What is known in the end of one supplier's relays of one session. Amounts in upokt. */
export type Row = {
  readonly session: bigint;
  readonly sessionEnd: bigint;
  readonly service: string;
  readonly computeUnitsPerRelay: bigint;
  readonly supplier: string;
  /** Answers with a valid supplier signature that the client has. */
  readonly answered: bigint;
  /** Relays that went out and were never answered: each may have been stored, or not. */
  readonly uncertain: bigint;
  /** By the miner's record. */
  readonly leaves: bigint;
  /** From here on by the chain's events. */
  readonly claimedRelays: bigint;
  readonly claimedUpokt: bigint;
  readonly proofRequired: boolean;
  readonly proofVerified: boolean;
  readonly settledRelays: bigint;
  readonly settledUpokt: bigint;
  /** The miner's last state of it. */
  readonly state: string;
  /** Why the chain paid nothing. */
  readonly trouble: string | undefined;
};

/** The figures of the closing JSON line; its names are fixed. */
export type Totals = {
  readonly answered: number;
  readonly leaves: number;
  readonly claimed_relays: number;
  readonly settled_relays: number;
  readonly claimed_upokt: number;
  readonly settled_upokt: number;
  readonly proofs_required: number;
  readonly proofs_verified: number;
  readonly lost: number;
  readonly doubled: number;
};

/** Sums over all rows. Lost and doubled are counted row by row: one row's surplus never hides another's loss. */
export function totalsOf(rows: readonly Row[]): Totals {
  const sum = (pick: (row: Row) => bigint | boolean) =>
    Number(rows.reduce((total, row) => total + BigInt(pick(row)), 0n));
  return {
    answered: sum((row) => row.answered),
    leaves: sum((row) => row.leaves),
    claimed_relays: sum((row) => row.claimedRelays),
    settled_relays: sum((row) => row.settledRelays),
    claimed_upokt: sum((row) => row.claimedUpokt),
    settled_upokt: sum((row) => row.settledUpokt),
    proofs_required: sum((row) => row.proofRequired),
    proofs_verified: sum((row) => row.proofRequired && row.proofVerified),
    lost: sum(lostOf),
    doubled: sum(doubledOf),
  };
}

const atLeastZero = (value: bigint): bigint => (value > 0n ? value : 0n);
/** Answered and not paid for. */
const lostOf = (row: Row): bigint => atLeastZero(row.answered - row.settledRelays);
/** Leaves or settled relays that no relay of the client stands behind. */
const doubledOf = (row: Row): bigint => {
  const most = row.answered + row.uncertain;
  return atLeastZero(highest([row.leaves, row.settledRelays]) - most);
};

/** Where *answered = leaves = claimed = settled* does not hold, in words; empty when it holds everywhere. */
export function imbalances(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const problem = imbalanceOf(row);
    if (problem === undefined) return [];
    const trouble = row.trouble === undefined ? "" : `, ${row.trouble}`;
    return [
      `session ${row.session} ${row.service} ${shortAddress(row.supplier)}: ${problem} (${row.state}${trouble})`,
    ];
  });
}

function imbalanceOf(row: Row): string | undefined {
  const { answered, uncertain, leaves, claimedRelays, settledRelays, claimedUpokt, settledUpokt } = row;
  const figures = `answered ${answered}, leaves ${leaves}, claimed ${claimedRelays}, settled ${settledRelays}`;
  if (leaves < answered || leaves > answered + uncertain) return figures;
  if (claimedRelays !== leaves || settledRelays !== leaves) return figures;
  if (claimedUpokt !== settledUpokt) return `claimed ${claimedUpokt} upokt, settled ${settledUpokt} upokt`;
  if (row.proofRequired && !row.proofVerified) return "a required proof was not verified";
  return undefined;
}

type Column = { readonly title: string; readonly cell: (row: Row) => string; readonly right?: boolean };

const COLUMNS: readonly Column[] = [
  { title: "SESSION", cell: (row) => row.session.toString(), right: true },
  { title: "SERVICE", cell: (row) => row.service },
  { title: "SUPPLIER", cell: (row) => shortAddress(row.supplier) },
  { title: "CU/RELAY", cell: (row) => row.computeUnitsPerRelay.toString(), right: true },
  { title: "ANSWERED", cell: (row) => grouped(row.answered), right: true },
  { title: "LEAVES", cell: (row) => grouped(row.leaves), right: true },
  { title: "CLAIMED UPOKT", cell: (row) => grouped(row.claimedUpokt), right: true },
  { title: "PROOF", cell: proofWord },
  { title: "SETTLED UPOKT", cell: (row) => grouped(row.settledUpokt), right: true },
];

function proofWord({ claimedRelays, proofRequired, proofVerified, settledRelays }: Row): string {
  if (claimedRelays === 0n) return "—";
  if (proofRequired) return proofVerified ? "✔ verified" : "✖ required";
  return settledRelays > 0n ? "not required" : "—";
}

/** The table, one line a row, under one line of titles. */
export function table(rows: readonly Row[]): string[] {
  const cells = [
    COLUMNS.map(({ title }) => title),
    ...rows.map((row) => COLUMNS.map(({ cell }) => cell(row))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells.map((line) =>
    line
      .map((text, column) =>
        COLUMNS[column]?.right === true
          ? text.padStart(widths[column] ?? 0)
          : text.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}

/** The equation in one line. */
export function equation(totals: Totals, balanced: boolean): string {
  const sign = balanced ? "=" : "≠";
  const { answered, leaves, claimed_relays, settled_relays, lost, doubled } = totals;
  const sides = [
    `answered ${grouped(answered)}`,
    `leaves ${grouped(leaves)}`,
    `claimed ${grouped(claimed_relays)}`,
    `settled ${grouped(settled_relays)}`,
  ];
  return `${sides.join(` ${sign} `)} · lost ${grouped(lost)} · doubled ${grouped(doubled)}`;
}

/** 1234567 as "1 234 567". */
export const grouped = (value: bigint | number): string => value.toString().replace(/\B(?=(\d{3})+$)/g, " ");

/** "1 session", "2 sessions". */
export const counted = (count: number | bigint, what: string): string =>
  `${grouped(count)} ${what}${count === 1 || count === 1n ? "" : "s"}`;

/** upokt as POKT with its six decimals, trailing zeros cut. */
export function pokt(upokt: bigint): string {
  const whole = upokt / 1_000_000n;
  const rest = (upokt % 1_000_000n).toString().padStart(6, "0").replace(/0+$/, "");
  return `${grouped(whole)}${rest === "" ? "" : `.${rest}`} POKT`;
}

/** pokt19a3…aaj */
export const shortAddress = (address: string): string =>
  address.length <= 12 ? address : `${address.slice(0, 8)}…${address.slice(-3)}`;
