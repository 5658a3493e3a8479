import type { Logger } from '../../base/index.ts';
import {
  type SnapshotControllerPart,
  startStandaloneSnapshotController,
} from '../../cluster/standalone-snapshot-controller.ts';
import { apiConnection } from '../api-connection.ts';
import { leaderElection } from '../leader-election.ts';
import { stay } from '../stay.ts';
import { COMMON_FLAGS, LOG_FLAGS, resync } from './common-flags.ts';
import { backoffOf, CAN_RELEASE, RELEASE, retries } from './flag-set.ts';
import { bool, duration, gates, int, type Values } from './go-flags.ts';

const {
  'csi-address': _csi,
  'leader-election-labels': _labels,
  'metrics-address': _metrics,
  master: _master,
  ...common
} = COMMON_FLAGS;

/** Those that no other sidecar has. */
export const SNAPSHOT_CONTROLLER_OWN_FLAGS = {
  ...retries,
  'resync-period': resync(900_000),
  'worker-threads': int(10, 'How many of each kind at once.'),
  'enable-distributed-snapshotting': bool(
    false,
    'Give contents to the nodes that have their volumes: for csi-snapshotters with --node-deployment.',
  ),
  'prevent-volume-mode-conversion': bool(true, 'Let contents say of which mode their volumes were.'),
  'retry-crd-interval-max': duration(30_000, 'How long the kinds of snapshots may take to appear.'),
  'feature-gates': gates({ CSIVolumeGroupSnapshot: true, ...RELEASE }, [
    'CSIVolumeGroupSnapshot',
    ...CAN_RELEASE,
  ]),
};

export const SNAPSHOT_CONTROLLER_FLAGS = { ...LOG_FLAGS, ...common, ...SNAPSHOT_CONTROLLER_OWN_FLAGS };

/** What the flags are to the component. */
export function snapshotControllerPart(
  values: Values<typeof SNAPSHOT_CONTROLLER_OWN_FLAGS>,
): SnapshotControllerPart {
  return {
    crdWaitMs: values['retry-crd-interval-max'],
    controller: {
      backoff: backoffOf(values),
      workers: values['worker-threads'],
      distributed: values['enable-distributed-snapshotting'],
      preventVolumeModeConversion: values['prevent-volume-mode-conversion'],
      groupSnapshots: values['feature-gates'].CSIVolumeGroupSnapshot,
    },
  };
}

/** The snapshot-controller, of which there is one a cluster. Resolves to the exit code. */
export async function runSnapshotController(
  values: Values<typeof SNAPSHOT_CONTROLLER_FLAGS>,
  log: Logger,
): Promise<number> {
  const { 'http-endpoint': address, 'metrics-path': metricsPath, 'feature-gates': features } = values;
  const options = {
    connection: await apiConnection(values),
    log,
    limit:
      values['kube-api-qps'] > 0
        ? { qps: values['kube-api-qps'], burst: values['kube-api-burst'] }
        : undefined,
    ...snapshotControllerPart(values),
    leaderElection: values['leader-election']
      ? await leaderElection({
          namespace: values['leader-election-namespace'],
          leaseDurationMs: values['leader-election-lease-duration'],
          renewDeadlineMs: values['leader-election-renew-deadline'],
          retryPeriodMs: values['leader-election-retry-period'],
          releaseOnCancel: features.ReleaseLeaderElectionOnExit!,
        })
      : undefined,
    http: address === '' ? undefined : { address, metricsPath },
  };
  return stay((signal) => startStandaloneSnapshotController(options, signal));
}
