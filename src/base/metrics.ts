/** Values of a metric's labels, in the order of their names. */
export type LabelValues = readonly string[];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  lines(): Iterable<string>;
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  /** Names of its labels. @default none */
  readonly labels?: readonly string[];
}

export interface Histogram {
  observe(value: number, labels?: LabelValues): void;
}

export interface Counter {
  add(labels?: LabelValues, by?: number): void;
}

/** Metrics of a process, or of a part of it, in the text format of Prometheus. */
export class Metrics {
  readonly #families: Family[] = [];

  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Histogram {
    const { name, labels = [], buckets } = options;
    const series = new Map<string, { values: LabelValues; counts: number[]; sum: number; count: number }>();
    this.#families.push({
      ...options,
      type: 'histogram',
      *lines() {
        for (const { values, counts, sum, count } of series.values()) {
          const bucket = (le: string) => labelText([...labels, 'le'], [...values, le]);
          for (const [index, bound] of buckets.entries())
            yield `${name}_bucket${bucket(floatText(bound))} ${counts[index]}`;
          yield `${name}_bucket${bucket('+Inf')} ${count}`;
          yield `${name}_sum${labelText(labels, values)} ${sum}`;
          yield `${name}_count${labelText(labels, values)} ${count}`;
        }
      },
    });
    return {
      observe(value, values = []) {
        const key = values.join('\0');
        const one = series.get(key) ?? { values, counts: buckets.map(() => 0), sum: 0, count: 0 };
        series.set(key, one);
        one.sum += value;
        one.count++;
        for (const [index, bound] of buckets.entries()) if (value <= bound) one.counts[index]!++;
      },
    };
  }

  counter(options: MetricOptions): Counter {
    const { name, labels = [] } = options;
    const series = new Map<string, { values: LabelValues; count: number }>();
    this.#families.push({
      ...options,
      type: 'counter',
      *lines() {
        for (const { values, count } of series.values()) yield `${name}${labelText(labels, values)} ${count}`;
      },
    });
    return {
      add(values = [], by = 1) {
        const key = values.join('\0');
        const one = series.get(key) ?? { values, count: 0 };
        series.set(key, one);
        one.count += by;
      },
    };
  }

  /** A gauge, or a counter, that is read when somebody asks: each of its label values with a number. */
  gauge(
    options: MetricOptions & { readonly type?: 'counter' },
    read: () => Iterable<readonly [LabelValues, number]>,
  ): void {
    const { name, labels = [] } = options;
    this.#families.push({
      ...options,
      type: options.type ?? 'gauge',
      *lines() {
        for (const [values, value] of read()) yield `${name}${labelText(labels, values)} ${value}`;
      },
    });
  }

  /** All of them; those without a value have no lines. */
  text(): string {
    const families = [...this.#families].sort((a, b) => (a.name < b.name ? -1 : 1));
    const lines = families.flatMap(({ name, help, type, lines: linesOf }) => {
      const own = [...linesOf()];
      if (own.length === 0) return [];
      return [`# HELP ${name} ${escaped(help, /[\\\n]/g)}`, `# TYPE ${name} ${type}`, ...own];
    });
    return lines.map((line) => `${line}\n`).join('');
  }
}

/** The content type of Metrics.text. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A positive number as Go prints it: 1e-06, and not 0.000001. */
function floatText(value: number): string {
  if (value >= 1e-4) return String(value);
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}

function labelText(names: readonly string[], values: LabelValues): string {
  if (names.length === 0) return '';
  return `{${names.map((name, index) => `${name}="${escaped(values[index] ?? '', /[\\\n"]/g)}"`).join(',')}}`;
}

function escaped(text: string, special: RegExp): string {
  return text.replace(special, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
