import type { CapacityOptions } from '../../sidecars/provisioner/index.ts';
import {
  backoffOf,
  CAN_RELEASE,
  type Environment,
  needed,
  nodeName,
  RELEASE,
  retries,
  sidecar,
} from './flag-set.ts';
import { bool, duration, fixed, float, gates, int, string, uint } from './go-flags.ts';

export const PROVISIONER_FLAGS = sidecar(
  'csi-provisioner',
  {
    ...retries,
    timeout: duration(10_000, 'For each call of the driver.'),
    'volume-name-prefix': string('pvc', 'The prefix of volume names.'),
    'volume-name-uuid-length': int(-1, "How much of the claim's uid is in a volume's name; -1 is all."),
    'worker-threads': uint(100, 'How many volumes are made, and how many deleted, at once.'),
    'strict-topology': bool(false, 'Late binding: ask for the place of the selected node only.'),
    'immediate-topology': bool(true, 'Immediate binding: tell the driver where it runs.'),
    'extra-create-metadata': bool(false, 'Pass the names of claim and volume to the driver.'),
    'default-fstype': string('', 'The file system when the class names none.'),
    'controller-publish-readonly': bool(false, 'Mark volumes of ReadOnlyMany claims as read-only.'),
    'prevent-volume-mode-conversion': bool(true, 'Refuse to restore a snapshot in another volume mode.'),
    'cloning-protection-threads': uint(1, 'How many sources of clones are let go of at once.'),
    'snapshot-orphan-sweep-interval': fixed(
      duration(300_000, 'Between two looks for orphans.'),
      'they are seen at once',
    ),
    'enable-capacity': bool(
      false,
      'Tell the scheduler of the capacity (CSIStorageCapacity). Needs NAMESPACE.',
    ),
    'capacity-for-immediate-binding': bool(false, 'Of classes that bind immediately, too.'),
    'capacity-poll-interval': duration(60_000, 'Between two looks at the capacity.'),
    'capacity-ownerref-level': int(
      1,
      'Who owns those objects: 0 the pod POD_NAME, 1 what controls it, 2 what controls that; -1 nobody.',
    ),
    'capacity-threads': uint(1, 'How many questions about capacity at once.'),
    'kube-api-capacity-qps': float(
      0,
      'Requests a second for capacity. 0: as many as it takes (upstream: 1).',
    ),
    'kube-api-capacity-burst': int(5, 'How many of them may go at once, where there is a limit.'),
    'node-deployment': bool(false, 'One provisioner on each node, for its own volumes. Needs NODE_NAME.'),
    'node-deployment-immediate-binding': bool(true, 'Then also for claims that bind immediately.'),
    'node-deployment-base-delay': duration(20_000, 'It waits up to so long before it takes such a claim.'),
    'node-deployment-max-delay': duration(60_000, 'And so long after failures.'),
    'enable-pprof': fixed(bool(false, 'Profiles of a Go program.'), 'it is none'),
    'feature-gates': gates(
      { Topology: true, VolumeAttributesClass: true, CrossNamespaceVolumeDataSource: false, ...RELEASE },
      ['CrossNamespaceVolumeDataSource', ...CAN_RELEASE],
    ),
  },
  (values, env) => ({
    timeoutMs: values.timeout,
    workerThreads: values['worker-threads'],
    cloningProtectionThreads: values['cloning-protection-threads'],
    backoff: backoffOf(values),
    volumeNamePrefix: values['volume-name-prefix'],
    volumeNameUuidLength: values['volume-name-uuid-length'],
    strictTopology: values['strict-topology'],
    immediateTopology: values['immediate-topology'],
    extraCreateMetadata: values['extra-create-metadata'],
    defaultFsType: values['default-fstype'],
    controllerPublishReadOnly: values['controller-publish-readonly'],
    preventVolumeModeConversion: values['prevent-volume-mode-conversion'],
    crossNamespaceVolumeDataSource: values['feature-gates'].CrossNamespaceVolumeDataSource,
    ...(values['enable-capacity'] && { capacity: capacityOf(values, env) }),
    ...(values['node-deployment'] && {
      nodeDeployment: {
        nodeName: nodeName(env),
        immediateBinding: values['node-deployment-immediate-binding'],
        baseDelayMs: values['node-deployment-base-delay'],
        maxDelayMs: values['node-deployment-max-delay'],
      },
    }),
  }),
);

interface CapacityValues {
  readonly 'capacity-for-immediate-binding': boolean;
  readonly 'capacity-poll-interval': number;
  readonly 'capacity-ownerref-level': number;
  readonly 'capacity-threads': number;
  readonly 'kube-api-capacity-qps': number;
  readonly 'kube-api-capacity-burst': number;
}

function capacityOf(values: CapacityValues, env: Environment): CapacityOptions {
  const namespace = needed(env, 'NAMESPACE', 'need NAMESPACE env variable for CSIStorageCapacity objects');
  const level = values['capacity-ownerref-level'];
  const podName = () =>
    needed(env, 'POD_NAME', 'need POD_NAME env variable to determine CSIStorageCapacity owner');
  const qps = values['kube-api-capacity-qps'];
  return {
    namespace,
    ...(level >= 0 && { owner: { podName: podName(), level } }),
    pollIntervalMs: values['capacity-poll-interval'],
    threads: values['capacity-threads'],
    immediateBinding: values['capacity-for-immediate-binding'],
    ...(qps > 0 && { limit: { qps, burst: values['kube-api-capacity-burst'] } }),
  };
}
