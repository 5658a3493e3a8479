import { type CronJob, isTimeZone } from '../../kube/index.ts';

/** The schedule with its time zone, as the parser takes it. A zone in the schedule itself goes before. */
export function scheduleOf({ spec }: CronJob): string {
  const { schedule = '', timeZone } = spec ?? {};
  const isZoned = hasOwnZone(schedule) || timeZone === undefined || !isTimeZone(timeZone);
  return isZoned ? schedule : `TZ=${timeZone} ${schedule}`;
}

/** Whether a zone is in the schedule itself, which the API does not let in any more. */
export function hasOwnZone(schedule: string): boolean {
  return schedule.includes('TZ');
}
