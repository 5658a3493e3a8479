import type { CronJob, Job, Stored } from '../../kube/index.ts';

/** How a job ended; undefined while it has not. */
export function endOf({ status }: Job): 'Complete' | 'Failed' | undefined {
  const condition = status?.conditions?.find(
    (one) => (one.type === 'Complete' || one.type === 'Failed') && one.status === 'True',
  );
  return condition?.type as 'Complete' | 'Failed' | undefined;
}

/** The oldest jobs beyond what is to be kept of those that succeeded, and of those that failed. */
export function beyondHistory({ spec }: CronJob, jobs: readonly Stored<Job>[]): readonly Stored<Job>[] {
  const beyond = (end: string, limit: number | undefined) => {
    if (limit === undefined) return [];
    const ended = jobs.filter((job) => endOf(job) === end).sort(byStartTime);
    return ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [
    ...beyond('Complete', spec?.successfulJobsHistoryLimit),
    ...beyond('Failed', spec?.failedJobsHistoryLimit),
  ];
}

/** Those that have not started come last. */
export function byStartTime(a: Job, b: Job): number {
  const [first, second] = [a, b].map(({ status }) => Date.parse(status?.startTime ?? '') || Infinity);
  if (first !== second) return first! < second! ? -1 : 1;
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
}
