/** A time as clocks in a zone show it. */
export interface ZonedTime {
  readonly year: number;
  /** 1 is January. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Of this process: where nothing else is said. */
const LOCAL = 'Local';

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether the time zone database has it. */
export function isTimeZone(name: string): boolean {
  if (name === '' || name === 'UTC' || name === LOCAL) return true;
  try {
    formatOf(name);
    return !/^[-+]/.test(name);
  } catch {
    return false;
  }
}

/** What clocks in a zone show at a time. Milliseconds are left out. */
export function zonedTime(epochMs: number, zone: string): ZonedTime {
  const local = new Date(epochMs + offsetMs(epochMs, zone));
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
  };
}

/**
 * When clocks in a zone show a time; of one that they skip or show twice, what Go's time.Date makes of it. Months and days
 * beyond the last go on in the next month and year.
 */
export function epochMsOf({ year, month, day, hour, minute, second }: ZonedTime, zone: string): number {
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  const guess = offsetMs(local, zone);
  return guess === 0 ? local : local - offsetMs(local - guess, zone);
}

/** A time with its offset, as RFC 3339 has it: `2026-06-01T02:00:00+02:00`, or with `Z`. */
export function rfc3339In(epochMs: number, zone: string): string {
  const offset = offsetMs(epochMs, zone);
  const text = new Date(epochMs + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${text}Z`;
  const minutes = Math.abs(offset) / 60_000;
  const two = (value: number) => String(Math.trunc(value)).padStart(2, '0');
  return `${text}${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/** How far clocks in a zone are before UTC. */
function offsetMs(epochMs: number, zone: string): number {
  if (zone === '' || zone === 'UTC') return 0;
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(epochMs)
      .map(({ type, value }) => [type, Number(value)]),
  ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number>;
  const { year, month, day, hour, minute, second } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(epochMs / 1000) * 1000;
}

/** @throws RangeError for a zone that there is not. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    ...(zone === LOCAL ? {} : { timeZone: zone }),
    hourCycle: 'h23',
    ...{
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    },
  } as const);
  formats.set(zone, format);
  return format;
}
