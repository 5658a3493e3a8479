import type { CronJob, CronSchedule } from '../../kube/index.ts';

/** After so long a schedule is looked at later than its time: clocks are not quite the same everywhere. */
export const SCHEDULE_DELTA_MS = 100;
/** More missed times than this are told as too many. */
const MANY = 100;

/** A schedule that never comes, or twice in one second. */
export class InvalidSchedule extends Error {
  override name = 'InvalidSchedule';
  constructor() {
    super('time difference between two schedules is less than 1 second');
  }
}

/** What of a CronJob says which of its times are past. */
export type Timed = Pick<CronJob, 'metadata' | 'spec' | 'status'>;

export interface Missed {
  /** Where counting begins: the last time that a job was made for, or the creation. */
  readonly earliestMs: number;
  /** The last time that a job was due. */
  readonly mostRecentMs: number | undefined;
  readonly missed: 'none' | 'few' | 'many';
}

/**
 * The times between the last one that a job was made for and now. How many there are is estimated by the first two, so
 * that a clock which was wrong by decades takes no longer than any other.
 * Source: mostRecentScheduleTime of Kubernetes 1.36.
 * @throws InvalidSchedule
 */
export function missedTimes(
  { metadata, spec, status }: Timed,
  nowMs: number,
  schedule: CronSchedule,
  options: { readonly withDeadline: boolean },
): Missed {
  let earliestMs = Date.parse(status?.lastScheduleTime ?? metadata?.creationTimestamp ?? '');
  const deadlineSeconds = spec?.startingDeadlineSeconds;
  if (options.withDeadline && deadlineSeconds !== undefined)
    earliestMs = Math.max(earliestMs, nowMs - deadlineSeconds * 1000);

  const first = schedule.next(earliestMs);
  if (first === undefined) throw new InvalidSchedule();
  if (nowMs < first) return { earliestMs, mostRecentMs: undefined, missed: 'none' };
  const second = schedule.next(first);
  if (second !== undefined && nowMs < second) return { earliestMs, mostRecentMs: first, missed: 'none' };
  const apartSeconds = second === undefined ? 0 : Math.round((second - first) / 1000);
  if (apartSeconds < 1) throw new InvalidSchedule();

  const count = Math.floor(Math.trunc((nowMs - first) / 1000) / apartSeconds) + 1;
  // One step back from the estimate: times need not be equally far apart. Those of @every are, counted from the first.
  let mostRecentMs: number | undefined;
  let time = schedule.next(first + (count - 2) * apartSeconds * 1000);
  while (time !== undefined && time <= nowMs) {
    mostRecentMs = time;
    time = schedule.next(time);
  }
  return { earliestMs, mostRecentMs, missed: count > MANY ? 'many' : 'few' };
}

/** Milliseconds until the CronJob is to be looked at for its next time. Source: nextScheduleTimeDuration. */
export function nextLookMs(cronJob: Timed, nowMs: number, schedule: CronSchedule): number {
  const next = schedule.next(lastTime(cronJob, nowMs, schedule));
  // A schedule that never comes is looked at once more, to be refused.
  return next === undefined ? 0 : next + SCHEDULE_DELTA_MS - nowMs;
}

/** The time after which the next one is looked for. */
function lastTime(cronJob: Timed, nowMs: number, schedule: CronSchedule): number {
  try {
    const { earliestMs, mostRecentMs, missed } = missedTimes(cronJob, nowMs, schedule, {
      withDeadline: false,
    });
    return mostRecentMs ?? (missed === 'none' ? earliestMs : nowMs);
  } catch (error) {
    if (error instanceof InvalidSchedule) return nowMs;
    throw error;
  }
}
