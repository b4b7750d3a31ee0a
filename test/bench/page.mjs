/** The measured parts of docs/performance.md stand between markers, `<!-- bench:name -->` and `<!-- /bench:name -->`; the rest is written by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { machine } from "./tasks.mjs";

/** Where the results go; what is measured is the same without. */
const PLACES = ["--page", "--json"];

/** The command that runs, as someone else would measure the same. */
function ownCommand([, script, ...args] = process.argv) {
  const measured = args.filter((arg, at) => !PLACES.includes(arg) && !PLACES.includes(args[at - 1]));
  return ["node", `test/bench/${basename(script)}`, ...measured].join(" ");
}

/** Replaces one part, with machine, date and the command that made it. Throws where the page has no such markers. */
export function fillPage(file, name, text) {
  const page = readFileSync(file, "utf8");
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} … ${end}`);
  const { cpu, cores, node } = machine();
  const date = new Date().toISOString().slice(0, 10);
  const origin = `${date}, ${cpu}, ${cores} cores, Node ${node}: \`${ownCommand()}\`.`;
  writeFileSync(file, `${page.slice(0, from)}${begin}\n${origin}\n\n${text}\n${page.slice(to)}`);
}
