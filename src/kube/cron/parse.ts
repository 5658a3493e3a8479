import { type Bounds, CronError, parseField } from './fields.ts';
import { type CronSchedule, everySchedule, fieldsSchedule } from './schedule.ts';
import { isTimeZone } from './time-zone.ts';

const MONTHS = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const DURATION = /^[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
};

/**
 * A schedule as cron/v3's standard parser reads it: five fields, or a descriptor (`@daily`, `@every 90m`), behind a
 * time zone (`TZ=Europe/Berlin`) or in that of this process.
 * @throws CronError in the words of cron/v3.
 */
export function parseCron(schedule: string): CronSchedule {
  if (schedule === '') throw new CronError('empty spec string');
  const zoned = /^(?:CRON_)?TZ=/.test(schedule);
  const space = schedule.indexOf(' ');
  if (zoned && space < 0)
    throw new CronError('invalid schedule format: runtime error: slice bounds out of range [:-1]');
  const zone = zoned ? schedule.slice(schedule.indexOf('=') + 1, space) : 'Local';
  if (!isTimeZone(zone)) throw new CronError(`provided bad location ${zone}: unknown time zone ${zone}`);
  const text = zoned ? schedule.slice(space).trim() : schedule;
  if (text.startsWith('@')) {
    const expression = DESCRIPTORS[text];
    return expression === undefined ? parseEvery(text) : parseFields(expression, zone);
  }
  return parseFields(text, zone);
}

/** Why a schedule cannot be read; `undefined` when it can. */
export function scheduleProblem(schedule: string): string | undefined {
  try {
    parseCron(schedule);
    return undefined;
  } catch (error) {
    if (error instanceof CronError) return error.message;
    throw error;
  }
}

function parseFields(text: string, zone: string): CronSchedule {
  const parts = text.split(/\s+/).filter(Boolean);
  if (parts.length !== FIELDS.length)
    throw new CronError(
      `expected exactly ${FIELDS.length} fields, found ${parts.length}: [${parts.join(' ')}]`,
    );
  const [minute, hour, dayOfMonth, month, dayOfWeek] = FIELDS.map((bounds, index) =>
    parseField(parts[index]!, bounds),
  ) as [Field, Field, Field, Field, Field];
  return fieldsSchedule({ minute, hour, dayOfMonth, month, dayOfWeek, zone });
}

type Field = ReturnType<typeof parseField>;

function parseEvery(text: string): CronSchedule {
  const [, duration] = /^@every (.*)$/s.exec(text) ?? [];
  if (duration === undefined) throw new CronError(`unrecognized descriptor: ${text}`);
  if (!DURATION.test(duration))
    throw new CronError(
      `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`,
    );
  const parts = [...duration.matchAll(/([\d.]+)([a-zµμ]+)/g)];
  const milliseconds = parts.reduce((sum, [, value, unit]) => sum + Number(value) * UNIT_MS[unit!]!, 0);
  return everySchedule(duration.startsWith('-') ? -milliseconds : milliseconds);
}
