import type { Metric, Registry } from "prom-client";

/**
 * Metrics that every relay touches, a dozen times. prom-client sorts, joins and checks the labels at each touch, which is three
 * hundredths of a relay's CPU; these find a cell by the labels' values, count there, and are read when somebody asks.
 */

type Labels<Name extends string> = Partial<Record<Name, string | number>>;

/** Cells by the values of their labels, in the order of the names: a map in a map for each. */
class Cells<Cell> {
  readonly #names: readonly string[];
  readonly #make: (labels: Record<string, string | number>) => Cell;
  readonly #root = new Map<unknown, unknown>();
  readonly all: Cell[] = [];

  constructor(names: readonly string[], make: (labels: Record<string, string | number>) => Cell) {
    this.#names = names;
    this.#make = make;
  }

  at(labels: Labels<string>): Cell {
    let place: Map<unknown, unknown> = this.#root;
    const last = this.#names.length - 1;
    for (let depth = 0; depth < last; depth++) {
      const value = labels[this.#names[depth] ?? ""];
      let next = place.get(value) as Map<unknown, unknown> | undefined;
      if (next === undefined) {
        next = new Map();
        place.set(value, next);
      }
      place = next;
    }
    const value = labels[this.#names[last] ?? ""];
    const known = place.get(value) as Cell | undefined;
    if (known !== undefined) return known;
    const cell = this.#make({ ...labels } as Record<string, string | number>);
    this.all.push(cell);
    place.set(value, cell);
    return cell;
  }
}

type Configuration<Name extends string> = {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Name[];
  readonly registers: readonly Registry[];
};

type CounterCell = { readonly labels: Record<string, string | number>; value: number };

/** A counter that a registry of prom-client shows and adds up over processes like one of its own. */
export class TallyCounter<Name extends string> {
  readonly name: string;
  readonly help: string;
  readonly type = "counter";
  readonly aggregator = "sum";
  readonly #cells: Cells<CounterCell>;

  constructor({ name, help, labelNames, registers }: Configuration<Name>) {
    this.name = name;
    this.help = help;
    this.#cells = new Cells(labelNames, (labels) => ({ labels, value: 0 }));
    register(this, labelNames, this.#cells, registers);
  }

  /** `labels` must be those it was made with; by less than 0 is a RangeError. */
  inc(labels: Labels<Name> = {}, by = 1): void {
    if (!(by >= 0)) throw new RangeError(`${this.name} only grows, not by ${by}`);
    this.#cells.at(labels).value += by;
  }

  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#cells.all.map((cell) => ({ ...cell })) };
  }
}

/** What a registry asks of a metric is its name and `get`. One without labels has one cell, which is shown from the start. */
function register<Cell>(
  metric: object,
  labelNames: readonly string[],
  cells: Cells<Cell>,
  registers: readonly Registry[],
): void {
  if (labelNames.length === 0) cells.at({});
  for (const registry of registers) registry.registerMetric(metric as Metric);
}

type HistogramConfiguration<Name extends string> = Configuration<Name> & {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
};

type HistogramCell = {
  readonly labels: Record<string, string | number>;
  /** By bucket, not cumulated; the last one is what is above all bounds. */
  readonly counts: Float64Array;
  sum: number;
};

/** A histogram that a registry of prom-client shows and adds up over processes like one of its own. */
export class TallyHistogram<Name extends string> {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly #buckets: readonly number[];
  readonly #cells: Cells<HistogramCell>;

  constructor({ name, help, labelNames, buckets, registers }: HistogramConfiguration<Name>) {
    this.name = name;
    this.help = help;
    this.#buckets = buckets;
    this.#cells = new Cells(labelNames, (labels) => ({
      labels,
      counts: new Float64Array(buckets.length + 1),
      sum: 0,
    }));
    register(this, labelNames, this.#cells, registers);
  }

  observe(labels: Labels<Name>, value: number): void {
    const cell = this.#cells.at(labels);
    const buckets = this.#buckets;
    let at = 0;
    while (at < buckets.length && value > (buckets[at] ?? 0)) at++;
    cell.counts[at] = (cell.counts[at] ?? 0) + 1;
    cell.sum += value;
  }

  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#cells.all.flatMap((cell) => this.#samplesOf(cell)) };
  }

  #samplesOf({ labels, counts, sum }: HistogramCell) {
    let total = 0;
    const samples = [...this.#buckets, "+Inf"].map((le, at) => {
      total += counts[at] ?? 0;
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: total };
    });
    return [
      ...samples,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: total },
    ];
  }
}
