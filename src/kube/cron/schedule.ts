import type { Field } from './fields.ts';
import { epochMsOf, type ZonedTime, zonedTime } from './time-zone.ts';

/** When something is to happen, again and again. */
export interface CronSchedule {
  /** The first time after `epochMs`; undefined when there is none within five years. */
  next(epochMs: number): number | undefined;
}

/** The fields of a cron expression, and the zone whose clocks they speak of. */
export interface CronFields {
  readonly minute: Field;
  readonly hour: Field;
  readonly dayOfMonth: Field;
  readonly month: Field;
  readonly dayOfWeek: Field;
  readonly zone: string;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const MAX_YEARS = 5;

/** Always so long after the last time, on the second. Source: cron/v3, ConstantDelaySchedule. */
export function everySchedule(delayMs: number): CronSchedule {
  const delay = Math.max(SECOND_MS, delayMs - (delayMs % SECOND_MS));
  return { next: (epochMs) => floor(epochMs, SECOND_MS) + delay };
}

/**
 * When the clocks of the zone show what the fields say. A time that they skip is skipped, or comes an hour later; one that
 * they show twice comes twice: as Go's calendar has it. Source: cron/v3, SpecSchedule.
 */
export function fieldsSchedule(fields: CronFields): CronSchedule {
  return { next: (epochMs) => nextOf(fields, epochMs) };
}

/**
 * Goes from the largest unit to the smallest: to the first that matches, and back to the largest when one has come round.
 * The first step of all goes to the beginning of its unit.
 */
function nextOf(fields: CronFields, epochMs: number): number | undefined {
  const { zone } = fields;
  const shown = (at: number) => zonedTime(at, zone);
  let time = floor(epochMs, SECOND_MS) + SECOND_MS;
  let isAtBeginning = false;
  const begin = (beginning: (now: ZonedTime) => number): void => {
    if (!isAtBeginning) time = beginning(shown(time));
    isAtBeginning = true;
  };
  const lastYear = shown(time).year + MAX_YEARS;

  round: while (shown(time).year <= lastYear) {
    while (!fields.month.values.has(shown(time).month)) {
      begin(({ year, month }) => epochMsOf({ year, month, day: 1, ...MIDNIGHT }, zone));
      const now = shown(time);
      time = epochMsOf({ ...now, month: now.month + 1 }, zone);
      if (shown(time).month === 1) continue round;
    }
    while (!dayMatches(fields, shown(time))) {
      begin(({ year, month, day }) => epochMsOf({ year, month, day, ...MIDNIGHT }, zone));
      const now = shown(time);
      time = epochMsOf({ ...now, day: now.day + 1 }, zone);
      // Where clocks skip midnight.
      const { hour } = shown(time);
      if (hour !== 0) time += (hour > 12 ? 24 - hour : -hour) * HOUR_MS;
      if (shown(time).day === 1) continue round;
    }
    while (!fields.hour.values.has(shown(time).hour)) {
      begin((now) => epochMsOf({ ...now, minute: 0, second: 0 }, zone));
      time += HOUR_MS;
      if (shown(time).hour === 0) continue round;
    }
    while (!fields.minute.values.has(shown(time).minute)) {
      begin(() => floor(time, MINUTE_MS));
      time += MINUTE_MS;
      if (shown(time).minute === 0) continue round;
    }
    while (shown(time).second !== 0) {
      begin(() => time);
      time += SECOND_MS;
      if (shown(time).second === 0) continue round;
    }
    return time;
  }
  return undefined;
}

const MIDNIGHT = { hour: 0, minute: 0, second: 0 };

/** Either of the two, if both are restricted. */
function dayMatches({ dayOfMonth, dayOfWeek }: CronFields, { year, month, day }: ZonedTime): boolean {
  const isDay = dayOfMonth.values.has(day);
  const isWeekday = dayOfWeek.values.has(new Date(Date.UTC(year, month - 1, day)).getUTCDay());
  return dayOfMonth.isStar || dayOfWeek.isStar ? isDay && isWeekday : isDay || isWeekday;
}

function floor(epochMs: number, unitMs: number): number {
  return Math.floor(epochMs / unitMs) * unitMs;
}
