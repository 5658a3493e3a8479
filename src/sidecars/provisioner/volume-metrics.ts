import type { Metrics } from '../../base/index.ts';
import { claimClass, type PersistentVolume, type PersistentVolumeClaim } from '../../kube/index.ts';
import type { VolumeObserver } from './volume-observer.ts';

/** Prometheus' own, for latencies in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BY_CLAIM = 'Broken down by storage class name and source of the claim.';
const BY_VOLUME = 'Broken down by storage class name.';

/** Counts and times what is made and deleted. Source: controller/metrics of sig-storage-lib-external-provisioner. */
export function volumeMetrics(metrics: Metrics): VolumeObserver {
  const claims = outcomes(metrics, {
    name: 'controller_persistentvolumeclaim_provision',
    labels: ['class', 'source'],
    succeeded: `Total number of persistent volumes provisioned succesfully. ${BY_CLAIM}`,
    failed: `Total number of persistent volume provision failed attempts. ${BY_CLAIM}`,
    took: `Latency in seconds to provision persistent volumes. Failed provisioning attempts are ignored. ${BY_CLAIM}`,
  });
  const volumes = outcomes(metrics, {
    name: 'controller_persistentvolume_delete',
    labels: ['class'],
    succeeded: `Total number of persistent volumes deleted succesfully. ${BY_VOLUME}`,
    failed: `Total number of persistent volume delete failed attempts. ${BY_VOLUME}`,
    took: `Latency in seconds to delete persistent volumes. Failed deletion attempts are ignored. ${BY_VOLUME}`,
  });
  return {
    made: (claim, _volume, tookMs) => claims.succeeded(labelsOfClaim(claim), tookMs),
    notMade: (claim) => claims.failed(labelsOfClaim(claim)),
    gone: (volume, tookMs) => volumes.succeeded(labelsOfVolume(volume), tookMs),
    notDeleted: (volume) => volumes.failed(labelsOfVolume(volume)),
  };
}

interface Outcomes {
  readonly name: string;
  readonly labels: readonly string[];
  readonly succeeded: string;
  readonly failed: string;
  readonly took: string;
}

function outcomes(metrics: Metrics, { name, labels, ...help }: Outcomes) {
  const total = metrics.counter({ name: `${name}_total`, labels, help: help.succeeded });
  const failedTotal = metrics.counter({ name: `${name}_failed_total`, labels, help: help.failed });
  const took = metrics.histogram({
    name: `${name}_duration_seconds`,
    labels,
    help: help.took,
    buckets: BUCKETS,
  });
  return {
    succeeded(values: readonly string[], tookMs: number) {
      total.add(values);
      took.observe(tookMs / 1000, values);
    },
    failed: (values: readonly string[]) => failedTotal.add(values),
  };
}

const labelsOfClaim = (claim: PersistentVolumeClaim) => [
  claimClass(claim),
  claim.spec?.dataSource?.kind ?? '',
];
const labelsOfVolume = ({ spec }: PersistentVolume) => [spec?.storageClassName ?? ''];
