const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go writes it (`1m30s`, `250ms`, `0`), in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text)!;
  if (rest === '0') return 0;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(rest)) return undefined;
  let sumMs = 0;
  for (const [, number, unit] of rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    sumMs += Number(number) * UNITS_MS[unit!]!;
  return sign === '-' ? -sumMs : sumMs;
}

/** Milliseconds as Go prints a duration of whole seconds: 1m0s; what is no such number as 1500ms. */
export function durationText(ms: number): string {
  if (ms % 1000 !== 0) return `${ms}ms`;
  if (ms === 0) return '0s';
  const seconds = ms / 1000;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const from = parts.findIndex((part) => part !== 0);
  return parts.map((part, index) => (index >= from ? `${part}${'hms'[index]}` : '')).join('');
}
