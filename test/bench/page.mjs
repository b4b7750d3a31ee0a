/** The measured parts of docs/performance.md stand between markers, `<!-- bench:name -->` and `<!-- /bench:name -->`; the rest is written by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import { machine } from "./tasks.mjs";

/** Replaces one part, with machine, date and the command that made it. Throws where the page has no such markers. */
export function fillPage(file, name, text, command) {
  const page = readFileSync(file, "utf8");
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} … ${end}`);
  const { cpu, cores, node } = machine();
  const date = new Date().toISOString().slice(0, 10);
  const origin = `${date}, ${cpu}, ${cores} cores, Node ${node}: \`${command}\`.`;
  writeFileSync(file, `${page.slice(0, from)}${begin}\n${origin}\n\n${text}\n${page.slice(to)}`);
}
