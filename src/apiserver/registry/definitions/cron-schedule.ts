// Whether a schedule can be read, as cron/v3's standard parser reads it, in its words.

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];
const DESCRIPTORS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
const DURATION = /^[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

/** Why a schedule cannot be read; `undefined` when it can. */
export function scheduleProblem(schedule: string): string | undefined {
  const zoned = /^(?:CRON_)?TZ=(\S*) (.*)$/.exec(schedule);
  if (zoned && !isTimeZone(zoned[1]!))
    return `provided bad location ${zoned[1]}: unknown time zone ${zoned[1]}`;
  const text = (zoned ? zoned[2]! : schedule).trim();
  if (text.startsWith('@')) return descriptorProblem(text);
  const parts = text.split(/\s+/).filter(Boolean);
  if (parts.length !== FIELDS.length)
    return `expected exactly ${FIELDS.length} fields, found ${parts.length}: [${parts.join(' ')}]`;
  for (const [index, bounds] of FIELDS.entries()) {
    for (const range of parts[index]!.split(',').filter(Boolean)) {
      const problem = rangeProblem(range, bounds);
      if (problem) return problem;
    }
  }
  return undefined;
}

function descriptorProblem(text: string): string | undefined {
  if (DESCRIPTORS.includes(text)) return undefined;
  const every = /^@every (.*)$/.exec(text);
  if (!every) return `unrecognized descriptor: ${text}`;
  const duration = every[1]!;
  if (DURATION.test(duration)) return undefined;
  return `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`;
}

function rangeProblem(range: string, { min, max, names }: Bounds): string | undefined {
  const [span, step, ...moreSteps] = range.split('/') as [string, string?, ...string[]];
  const [low, high, ...moreLimits] = span.split('-') as [string, string?, ...string[]];
  const isAll = low === '*' || low === '?';
  if (!isAll && moreLimits.length > 0) return `too many hyphens: ${range}`;
  const start = isAll ? min : numberOf(low, names);
  if (typeof start === 'string') return start;
  let end = isAll ? max : high === undefined ? start : numberOf(high, names);
  if (typeof end === 'string') return end;
  if (moreSteps.length > 0) return `too many slashes: ${range}`;
  const by = step === undefined ? 1 : numberOf(step);
  if (typeof by === 'string') return by;
  if (step !== undefined && high === undefined) end = max;
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${range}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${range}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${range}`;
  return by === 0 ? `step of range should be a positive number: ${range}` : undefined;
}

/** The number, or why it is none. */
function numberOf(text: string, names: readonly string[] = []): number | string {
  const named = text === '' ? -1 : names.indexOf(text.toLowerCase());
  if (named >= 0) return named;
  if (!/^[-+]?\d+$/.test(text))
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  const number = Number(text);
  return number < 0 ? `negative number (${number}) not allowed: ${text}` : number;
}

/** Whether the time zone database has it. */
export function isTimeZone(name: string): boolean {
  if (name === '' || name === 'UTC' || name === 'Local') return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return !/^[-+]/.test(name);
  } catch {
    return false;
  }
}
