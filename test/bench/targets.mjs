/** What was set out to be reached, as ratios, and the table that holds it against what was measured. */

const TARGETS = [
  { what: "verify a ring of two, warm, one at a time", ratio: "verify_warm_single", limit: 2 },
  { what: "verify a ring of two, warm, eight at once", ratio: "verify_warm_batch8", limit: 1.6 },
  { what: "verify the first relay of unseen keys", ratio: "verify_cold", limit: 25 },
  { what: "relayer, CPU of all threads a relay, eager", ratio: "relay_cpu_eager", limit: 7 },
  {
    ...{ what: "trie, a leaf of 1.5 KB, one root for 10,000", ratio: "trie_update_per_hash1k", limit: 5 },
    ...{ figure: "trie_update", unit: "hashes of 1 KiB" },
  },
  { what: "miner, CPU an applied relay, Redis included", ratio: "miner_apply_cpu", limit: 3 },
];

/** Not ratios: a session of a million leaves, from its last relay to its proof. */
const MILLION = [
  { what: "seal and prove a session of 1,000,000 leaves", figure: "miner_million_seal_prove", limit: 2_000 },
  { what: "growth of RSS meanwhile", figure: "miner_million_rss_growth", limit: 200 },
];

/** Rows of targets that were measured and of those that were not; then every other ratio. */
export function targetsText({ runs, ratios, figures }) {
  const rows = TARGETS.map(({ what, ratio, limit, figure = ratio, unit = "V" }) => {
    const measured = ratios[ratio];
    if (measured === undefined) return `| ${what} | ≤ ${limit} ${unit} | not measured | | |`;
    const verdict = measured <= limit ? "yes" : "**no**";
    return `| ${what} | ≤ ${limit} ${unit} | ${spread(figures[figure])} | ${measured} ${unit} | ${verdict} |`;
  });
  const million = figures[MILLION[0].figure] === undefined ? [] : MILLION;
  for (const { what, figure, limit } of million) {
    const { median, unit } = figures[figure];
    rows.push(
      `| ${what} | ≤ ${limit} ${unit} | ${spread(figures[figure])} | | ${median <= limit ? "yes" : "**no**"} |`,
    );
  }
  const named = new Set(TARGETS.map(({ ratio }) => ratio));
  const others = Object.entries(ratios)
    .filter(([name]) => !named.has(name))
    .map(([name, ratio]) => `| \`${name}\` | ${spread(figures[name])} | ${ratio} |`);
  const load = Object.entries(figures)
    .filter(([name]) => ratios[name] === undefined)
    .map(([name, figure]) => `| \`${name}\` | ${spread(figure)} |`);
  return [
    `Medians of ${runs} rounds, smallest and largest in parentheses.`,
    ["| what | target | measured | ratio | met |", "|---|---|---|---|---|", ...rows].join("\n"),
    ["| other ratios | measured | ratio |", "|---|---|---|", ...others].join("\n"),
    ["| other figures | measured |", "|---|---|", ...load].join("\n"),
  ].join("\n\n");
}

const spread = (figure) =>
  figure === undefined ? "" : `${figure.median} ${figure.unit} (${figure.min} to ${figure.max})`;
