import type { Logger } from '../../base/index.ts';
import {
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
  { sidecars, ...others }: Pick<StandaloneSidecarsOptions, 'sidecars' | 'snapshotController' | 'beside'>,
  values: CommonValues,
  release: boolean,
  log: Logger,
): Promise<number> {
  const http = diagnosticsOf(values);
  if (values['leader-election'] && nodeNameOf(sidecars.snapshotter) !== '')
    throw new UsageError('Leader election cannot happen when node-deployment is set to true');
  const options: StandaloneSidecarsOptions = {
    connection: await apiConnection(values),
    csiAddress: values['csi-address'],
    sidecars,
    ...others,
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
    http,
  };
  return stay((signal) => startStandaloneSidecars(options, signal));
}

/** Where metrics and health checks are served; undefined is nowhere. @throws UsageError */
export function diagnosticsOf(values: CommonValues): StandaloneSidecarsOptions['http'] {
  const {
    'metrics-address': metricsAddress,
    'http-endpoint': endpoint,
    'metrics-path': metricsPath,
  } = values;
  if (metricsAddress !== '' && endpoint !== '')
    throw new UsageError('Only one of `--metrics-address` and `--http-endpoint` can be set.');
  const address = endpoint || metricsAddress;
  return address === '' ? undefined : { address, metricsPath };
}

/** The node that a sidecar is for alone; '' when it is for all. */
function nodeNameOf(options: object = {}): string {
  return (options as { readonly nodeName?: string }).nodeName ?? '';
}
