import {
  ANN_SNAPSHOT_DELETION_SECRET_NAME,
  ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE,
  contentNameFor,
  FINALIZER_SNAPSHOT_CONTENT,
  keyOf,
  LABEL_SNAPSHOT_MANAGED_BY,
  type Node,
  type PersistentVolume,
  referenceTo,
  refersTo,
  type Stored,
  snapshotSecret,
  type VolumeSnapshot,
  type VolumeSnapshotClass,
  type VolumeSnapshotContent,
  volumeReaches,
} from '../../kube/index.ts';

type Snapshot = Stored<VolumeSnapshot>;
type Content = Stored<VolumeSnapshotContent>;

/** Why a snapshot is not in order: what its status and the event say, and what is told to the log. */
export interface Fault {
  readonly reason: string;
  readonly message: string;
  /** @default the message */
  readonly error?: string;
}

export type Found = { readonly content: Content | undefined } | { readonly fault: Fault };

/**
 * The content of a snapshot; undefined when it is not there. A content of the other sort, or another snapshot's, is a
 * fault. Source: getPreprovisionedContentFromStore, getDynamicallyProvisionedContentFromStore.
 */
export function findContent(snapshot: Snapshot, get: (name: string) => Content | undefined): Found {
  const { volumeSnapshotContentName: named } = snapshot.spec.source;
  const name = named ?? contentNameFor(snapshot);
  const content = get(name);
  if (!content) return { content };
  const { source, volumeSnapshotRef: reference } = content.spec;
  if (named !== undefined && source.snapshotHandle === undefined) {
    return mismatch(
      'VolumeSnapshotContent is dynamically provisioned while expecting a pre-provisioned one',
      `snapshot ${keyOf(snapshot)} expects a pre-provisioned VolumeSnapshotContent ${name} but gets a dynamically provisioned one`,
    );
  }
  if (named === undefined && source.volumeHandle === undefined) {
    return mismatch(
      `VolumeSnapshotContent ${name} is pre-provisioned while expecting a dynamically provisioned one`,
      `snapshot ${keyOf(snapshot)} expects a dynamically provisioned VolumeSnapshotContent ${name} but gets a pre-provisioned one`,
    );
  }
  // Who made a content by hand could not know the uid.
  const isOurs =
    refersTo(content, snapshot) ||
    (named !== undefined &&
      !reference.uid &&
      reference.name === snapshot.metadata.name &&
      reference.namespace === snapshot.metadata.namespace);
  if (isOurs) return { content };
  return {
    fault: {
      reason: 'SnapshotContentMisbound',
      message: `VolumeSnapshotContent [${name}] is bound to a different snapshot`,
    },
  };
}

function mismatch(message: string, error: string): Found {
  return { fault: { reason: 'SnapshotContentMismatch', message, error } };
}

/** What a new content says besides. */
export interface ContentOptions {
  /** The nodes one of which is to take the snapshot: that which the volume is on. @default any snapshotter takes it */
  readonly nodes?: Iterable<Node> | undefined;
  /** Whether it says of which mode the volume is. */
  readonly tellsVolumeMode: boolean;
}

/** The content that asks the driver for a snapshot of the volume. Source: createSnapshotContent. */
export function newContent(
  snapshot: Snapshot,
  snapshotClass: Stored<VolumeSnapshotClass>,
  volume: PersistentVolume,
  { nodes, tellsVolumeMode }: ContentOptions,
): VolumeSnapshotContent {
  const { csi, volumeMode } = volume.spec ?? {};
  if (!csi) throw new Error(`cannot find CSI PersistentVolumeSource for volume ${volume.metadata?.name}`);
  const name = contentNameFor(snapshot);
  const secret = snapshotSecret(
    'snapshotter',
    snapshotClass.parameters,
    'volumesnapshot',
    name,
    snapshot.metadata,
  );
  const node = nodes && nodeOf(volume, nodes);
  return {
    metadata: {
      name,
      ...(node !== undefined && { labels: { [LABEL_SNAPSHOT_MANAGED_BY]: node } }),
      // Upstream adds it with a second write.
      finalizers: [FINALIZER_SNAPSHOT_CONTENT],
      ...(secret && {
        annotations: {
          [ANN_SNAPSHOT_DELETION_SECRET_NAME]: secret.name,
          [ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE]: secret.namespace,
        },
      }),
    },
    spec: {
      volumeSnapshotRef: referenceTo(snapshot),
      source: { volumeHandle: csi.volumeHandle },
      volumeSnapshotClassName: snapshotClass.metadata.name,
      deletionPolicy: snapshotClass.deletionPolicy,
      driver: snapshotClass.driver,
      ...(tellsVolumeMode && volumeMode !== undefined && { sourceVolumeMode: volumeMode }),
    },
  };
}

/** A node that a volume which is not everywhere can be reached from. Source: getManagedByNode. */
function nodeOf(volume: PersistentVolume, nodes: Iterable<Node>): string | undefined {
  if (volume.spec?.nodeAffinity === undefined) return undefined;
  return [...nodes].find((node) => volumeReaches(volume, node))?.metadata?.name;
}
