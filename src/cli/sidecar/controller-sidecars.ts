import type { Logger } from '../../base/index.ts';
import {
  type SidecarName,
  type StandaloneSidecarsOptions,
  startStandaloneSidecars,
} from '../../cluster/standalone-sidecars.ts';
import { apiConnection } from '../api-connection.ts';
import { leaderElection } from '../leader-election.ts';
import { stay } from '../stay.ts';
import { UsageError } from '../usage-error.ts';
import type { COMMON_FLAGS } from './common-flags.ts';
import type { Values } from './go-flags.ts';

type CommonValues = Values<typeof COMMON_FLAGS>;

/** Runs sidecars until a signal. Resolves to the exit code. */
export async function runControllerSidecars(
  sidecars: Readonly<Partial<Record<SidecarName, object>>>,
  values: CommonValues,
  release: boolean,
  log: Logger,
): Promise<number> {
  if (values['metrics-address'] !== '' && values['http-endpoint'] !== '')
    throw new UsageError('Only one of `--metrics-address` and `--http-endpoint` can be set.');
  if (values['leader-election'] && nodeNameOf(sidecars.snapshotter) !== '')
    throw new UsageError('Leader election cannot happen when node-deployment is set to true');
  const address = values['http-endpoint'] || values['metrics-address'];
  const options: StandaloneSidecarsOptions = {
    connection: await apiConnection(values),
    csiAddress: values['csi-address'],
    sidecars,
    log,
    limit:
      values['kube-api-qps'] > 0
        ? { qps: values['kube-api-qps'], burst: values['kube-api-burst'] }
        : undefined,
    leaderElection: values['leader-election']
      ? await leaderElection({
          namespace: values['leader-election-namespace'],
          leaseDurationMs: values['leader-election-lease-duration'],
          renewDeadlineMs: values['leader-election-renew-deadline'],
          retryPeriodMs: values['leader-election-retry-period'],
          labels: values['leader-election-labels'],
          releaseOnCancel: release,
        })
      : undefined,
    http: address === '' ? undefined : { address, metricsPath: values['metrics-path'] },
  };
  return stay((signal) => startStandaloneSidecars(options, signal));
}

/** The node that a sidecar is for alone; '' when it is for all. */
function nodeNameOf(options: object = {}): string {
  return (options as { readonly nodeName?: string }).nodeName ?? '';
}
