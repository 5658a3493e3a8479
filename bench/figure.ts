/** One measured thing, beside what it should be compared with. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The design's budget, in the same unit. */
  readonly budget?: number;
  /** More is better, as for rates. @default false */
  readonly more?: boolean;
  /** The floor or peer measured in the same run, in the same unit. */
  readonly beside?: { readonly what: string; readonly value: number };
}

/** One line: value, budget, floor and the ratio to it. */
export function figureLine(figure: Figure): string {
  const { what, value, unit, budget, more, beside } = figure;
  const parts = [`${what.padEnd(52)} ${round(value).padStart(8)} ${unit.padEnd(4)}`];
  if (budget !== undefined) {
    const met = more ? value >= budget : value <= budget;
    parts.push(`budget ${round(budget)}${met ? '' : ' (short of it)'}`);
  }
  if (beside) parts.push(`${beside.what} ${round(beside.value)}, ratio ${(value / beside.value).toFixed(2)}`);
  return parts.join('  ');
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
