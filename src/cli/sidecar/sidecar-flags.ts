import type { SidecarName } from '../../cluster/standalone-sidecars.ts';
import { resync } from './common-flags.ts';
import { bool, duration, type Flags, fixed, gates, int, string, uint, type Values } from './go-flags.ts';

/** A sidecar's own flags, with upstream's defaults, and what they are to its component. */
export interface SidecarFlags {
  /** The upstream program that it can take the place of. */
  readonly twin: string;
  readonly flags: Flags;
  options(values: never): object;
}

function sidecar<F extends Flags>(
  twin: string,
  flags: F,
  options: (values: Values<F>) => object,
): SidecarFlags {
  return { twin, flags, options };
}

const NOT_HERE = 'that is not part of Stowage yet';
const ALWAYS = 'it is always so here';
const RELEASE = { ReleaseLeaderElectionOnExit: false };
const CAN_RELEASE = Object.keys(RELEASE);
const retries = {
  'retry-interval-start': duration(1_000, 'Until the first retry; doubles with each failure.'),
  'retry-interval-max': duration(300_000, 'The longest time between two retries.'),
};
const backoffOf = (values: Values<typeof retries>) => ({
  initialMs: values['retry-interval-start'],
  maxMs: values['retry-interval-max'],
});

export const SIDECAR_FLAGS = {
  provisioner: sidecar(
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
      'cloning-protection-threads': fixed(uint(1, 'Threads that free sources of clones.'), 'one at a time'),
      'snapshot-orphan-sweep-interval': fixed(
        duration(300_000, 'Between two looks for orphans.'),
        'they are seen at once',
      ),
      'enable-capacity': fixed(bool(false, 'Make CSIStorageCapacity objects.'), NOT_HERE),
      'capacity-for-immediate-binding': fixed(bool(false, 'Also for immediate binding.'), NOT_HERE),
      'capacity-poll-interval': fixed(duration(60_000, 'Between two looks at the capacity.'), NOT_HERE),
      'capacity-ownerref-level': fixed(int(1, 'Who owns capacity objects.'), NOT_HERE),
      'capacity-threads': fixed(uint(1, 'Threads for capacity objects.'), NOT_HERE),
      'kube-api-capacity-qps': fixed(int(1, 'Requests a second for capacity.'), NOT_HERE),
      'kube-api-capacity-burst': fixed(int(5, 'Burst of requests for capacity.'), NOT_HERE),
      'node-deployment': fixed(bool(false, 'One provisioner on each node.'), NOT_HERE),
      'node-deployment-immediate-binding': fixed(bool(true, 'Immediate binding then.'), NOT_HERE),
      'node-deployment-base-delay': fixed(duration(20_000, 'Wait then.'), NOT_HERE),
      'node-deployment-max-delay': fixed(duration(60_000, 'Longest wait then.'), NOT_HERE),
      'enable-pprof': fixed(bool(false, 'Profiles of a Go program.'), 'it is none'),
      'feature-gates': gates(
        { Topology: true, VolumeAttributesClass: true, CrossNamespaceVolumeDataSource: false, ...RELEASE },
        ['CrossNamespaceVolumeDataSource', ...CAN_RELEASE],
      ),
    },
    (values) => ({
      timeoutMs: values.timeout,
      workerThreads: values['worker-threads'],
      retryIntervalStartMs: values['retry-interval-start'],
      retryIntervalMaxMs: values['retry-interval-max'],
      volumeNamePrefix: values['volume-name-prefix'],
      volumeNameUuidLength: values['volume-name-uuid-length'],
      strictTopology: values['strict-topology'],
      immediateTopology: values['immediate-topology'],
      extraCreateMetadata: values['extra-create-metadata'],
      defaultFsType: values['default-fstype'],
      controllerPublishReadOnly: values['controller-publish-readonly'],
      preventVolumeModeConversion: values['prevent-volume-mode-conversion'],
      crossNamespaceVolumeDataSource: values['feature-gates'].CrossNamespaceVolumeDataSource,
    }),
  ),
  attacher: sidecar(
    'csi-attacher',
    {
      ...retries,
      resync: resync(600_000),
      timeout: duration(15_000, 'For each call that attaches or detaches.'),
      'worker-threads': uint(10, 'How many attachments at once.'),
      'max-entries': int(0, 'Of a page of ListVolumes; 0 is no limit.'),
      'default-fstype': string('', 'The file system of volumes that name none.'),
      'reconcile-sync': duration(60_000, 'How often the driver is asked what is published where.'),
      'max-grpc-log-length': fixed(int(-1, 'Of a logged answer.'), 'answers are not logged'),
      'feature-gates': gates({ MutableCSINodeAllocatableCount: true, ...RELEASE }, CAN_RELEASE),
    },
    (values) => ({
      timeoutMs: values.timeout,
      backoff: backoffOf(values),
      workers: values['worker-threads'],
      reconcileSyncMs: values['reconcile-sync'],
      maxEntries: values['max-entries'],
      defaultFsType: values['default-fstype'],
    }),
  ),
  resizer: sidecar(
    'csi-resizer',
    {
      ...retries,
      'resync-period': resync(600_000),
      timeout: duration(10_000, 'For each call of the driver.'),
      workers: int(10, 'How many claims at once.'),
      'handle-volume-inuse-error': bool(
        true,
        'Leave volumes in use alone that the driver grows only unused.',
      ),
      'extra-modify-metadata': bool(false, 'Pass the names of claim and volume to the driver.'),
      'feature-gates': gates(
        {
          AnnotateFsResize: true,
          RecoverVolumeExpansionFailure: true,
          VolumeAttributesClass: true,
          ...RELEASE,
        },
        CAN_RELEASE,
      ),
    },
    (values) => ({
      timeoutMs: values.timeout,
      workers: values.workers,
      retryIntervalStartMs: values['retry-interval-start'],
      retryIntervalMaxMs: values['retry-interval-max'],
      handleVolumeInUseError: values['handle-volume-inuse-error'],
      extraModifyMetadata: values['extra-modify-metadata'],
    }),
  ),
  snapshotter: sidecar(
    'csi-snapshotter',
    {
      ...retries,
      'resync-period': resync(900_000),
      timeout: duration(60_000, 'For each call of the driver.'),
      'worker-threads': int(10, 'How many contents, and how many group contents, at once.'),
      'snapshot-name-prefix': string('snapshot', 'The prefix of snapshot names.'),
      'snapshot-name-uuid-length': int(-1, "How much of the snapshot's uid is in its name; -1 is all."),
      'groupsnapshot-name-prefix': string('groupsnapshot', 'The prefix of group snapshot names.'),
      'groupsnapshot-name-uuid-length': int(-1, "How much of the group's uid is in its name; -1 is all."),
      'extra-create-metadata': bool(false, 'Pass the names of snapshot and content to the driver.'),
      'node-deployment': fixed(bool(false, 'One snapshotter on each node.'), NOT_HERE),
      'feature-gates': gates({ VolumeGroupSnapshot: true, ...RELEASE }, [
        'VolumeGroupSnapshot',
        ...CAN_RELEASE,
      ]),
    },
    (values) => ({
      timeoutMs: values.timeout,
      workerThreads: values['worker-threads'],
      backoff: backoffOf(values),
      snapshotNamePrefix: values['snapshot-name-prefix'],
      snapshotNameUuidLength: values['snapshot-name-uuid-length'],
      groupSnapshots: values['feature-gates'].VolumeGroupSnapshot,
      groupSnapshotNamePrefix: values['groupsnapshot-name-prefix'],
      groupSnapshotNameUuidLength: values['groupsnapshot-name-uuid-length'],
      extraCreateMetadata: values['extra-create-metadata'],
    }),
  ),
  'health-monitor': sidecar(
    'csi-external-health-monitor-controller',
    {
      resync: resync(600_000),
      timeout: duration(15_000, 'For all calls of one look.'),
      'monitor-interval': duration(60_000, 'Between two looks at volumes that the driver does not list.'),
      'list-volumes-interval': duration(300_000, 'Between two lists of volumes.'),
      'volume-list-add-interval': fixed(duration(300_000, 'Between two looks for new volumes.'), ALWAYS),
      'node-list-add-interval': duration(300_000, 'Between two looks at all nodes.'),
      'worker-threads': uint(10, 'How many volumes are looked at in an interval.'),
      'enable-node-watcher': bool(false, 'Tell claims of nodes that fail.'),
      'feature-gates': gates(RELEASE, CAN_RELEASE),
    },
    (values) => ({
      timeoutMs: values.timeout,
      monitorIntervalMs: values['monitor-interval'],
      listVolumesIntervalMs: values['list-volumes-interval'],
      nodeListAddIntervalMs: values['node-list-add-interval'],
      workerThreads: values['worker-threads'],
      enableNodeWatcher: values['enable-node-watcher'],
    }),
  ),
} satisfies Readonly<Record<SidecarName, SidecarFlags>>;
