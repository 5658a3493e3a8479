/** What a field of a cron expression may contain. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

/** The times that a field matches. */
export interface Field {
  readonly values: ReadonlySet<number>;
  /** `*` or `?`: of the two fields for days the other one alone counts then. */
  readonly isStar: boolean;
}

/** A text that can be no field, or no schedule, in the words of cron/v3. */
export class CronError extends Error {
  override name = 'CronError';
}

/** A list of ranges with commas between them. @throws CronError */
export function parseField(text: string, bounds: Bounds): Field {
  const ranges = text
    .split(',')
    .filter(Boolean)
    .map((range) => parseRange(range, bounds));
  return {
    values: new Set(ranges.flatMap(({ values }) => [...values])),
    isStar: ranges.some(({ isStar }) => isStar),
  };
}

/** `*`, `5`, `1-5`, and each with a step: `5/10` goes on to the end. */
function parseRange(range: string, { min, max, names }: Bounds): Field {
  const [span, step, ...moreSteps] = range.split('/') as [string, string?, ...string[]];
  const [low, high, ...moreLimits] = span.split('-') as [string, string?, ...string[]];
  const isAll = low === '*' || low === '?';
  if (!isAll && moreLimits.length > 0) throw new CronError(`too many hyphens: ${range}`);
  const start = isAll ? min : numberOf(low, names);
  let end = isAll ? max : high === undefined ? start : numberOf(high, names);
  if (moreSteps.length > 0) throw new CronError(`too many slashes: ${range}`);
  const by = step === undefined ? 1 : numberOf(step);
  if (step !== undefined && high === undefined) end = max;
  if (start < min) throw new CronError(`beginning of range (${start}) below minimum (${min}): ${range}`);
  if (end > max) throw new CronError(`end of range (${end}) above maximum (${max}): ${range}`);
  if (start > end)
    throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${range}`);
  if (by === 0) throw new CronError(`step of range should be a positive number: ${range}`);
  const values = new Set<number>();
  for (let value = start; value <= end; value += by) values.add(value);
  return { values, isStar: isAll && by <= 1 };
}

function numberOf(text: string, names: readonly string[] = []): number {
  const named = text === '' ? -1 : names.indexOf(text.toLowerCase());
  if (named >= 0) return named;
  if (!/^[-+]?\d+$/.test(text))
    throw new CronError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  const number = Number(text);
  if (number < 0) throw new CronError(`negative number (${number}) not allowed: ${text}`);
  return number;
}
