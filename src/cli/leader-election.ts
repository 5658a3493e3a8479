import { hostname } from 'node:os';
import { systemRandom } from '../base/index.ts';
import { type LeaseTiming, timingProblem } from '../client/index.ts';
import type { LeaderElectionOptions } from '../cluster/under-lease.ts';
import { podNamespace } from './api-connection.ts';
import { UsageError } from './usage-error.ts';

export interface ElectionFlags extends LeaseTiming {
  /** Empty: the pod's own. */
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly releaseOnCancel: boolean;
}

/** @throws UsageError when the durations do not fit together. */
export async function leaderElection(flags: ElectionFlags): Promise<LeaderElectionOptions> {
  const { namespace, labels, releaseOnCancel, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = flags;
  const timing = { leaseDurationMs, renewDeadlineMs, retryPeriodMs };
  const problem = timingProblem(timing);
  if (problem !== undefined) throw new UsageError(`leader election: ${problem}`);
  return {
    namespace: namespace || (await podNamespace()),
    identity: identity(),
    timing,
    labels,
    releaseOnCancel,
  };
}

/** A pod's host name is its own. On a machine there may be several of us. */
function identity(): string {
  return process.env.KUBERNETES_SERVICE_HOST ? hostname() : `${hostname()}_${systemRandom.uuid()}`;
}
