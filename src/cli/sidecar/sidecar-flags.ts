import type { SidecarName } from '../../cluster/standalone-sidecars.ts';
import { resync } from './common-flags.ts';
import {
  backoffOf,
  CAN_RELEASE,
  nodeName,
  RELEASE,
  retries,
  type SidecarFlags,
  sidecar,
} from './flag-set.ts';
import { bool, duration, fixed, gates, int, string, uint } from './go-flags.ts';
import { PROVISIONER_FLAGS } from './provisioner-flags.ts';

const ALWAYS = 'it is always so here';

export const SIDECAR_FLAGS = {
  provisioner: PROVISIONER_FLAGS,
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
      backoff: backoffOf(values),
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
      'node-deployment': bool(false, 'One snapshotter on each node, for its own snapshots. Needs NODE_NAME.'),
      'feature-gates': gates({ CSIVolumeGroupSnapshot: true, ...RELEASE }, [
        'CSIVolumeGroupSnapshot',
        ...CAN_RELEASE,
      ]),
    },
    (values, env) => ({
      timeoutMs: values.timeout,
      workerThreads: values['worker-threads'],
      backoff: backoffOf(values),
      snapshotNamePrefix: values['snapshot-name-prefix'],
      snapshotNameUuidLength: values['snapshot-name-uuid-length'],
      groupSnapshots: values['feature-gates'].CSIVolumeGroupSnapshot,
      groupSnapshotNamePrefix: values['groupsnapshot-name-prefix'],
      groupSnapshotNameUuidLength: values['groupsnapshot-name-uuid-length'],
      extraCreateMetadata: values['extra-create-metadata'],
      nodeName: values['node-deployment'] ? nodeName(env) : '',
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
