export { CronError } from './fields.ts';
export { parseCron, scheduleProblem } from './parse.ts';
export type { CronSchedule } from './schedule.ts';
export { isTimeZone, rfc3339In } from './time-zone.ts';
