import { errorMessage, InTurn, type Metrics, rfc3339 } from '../../base/index.ts';
import type { Client, ComponentContext, EventRecorder, Informer, Lister } from '../../client/index.ts';
import {
  keyOf,
  type Node,
  nodes,
  type PersistentVolumeClaim,
  parentGroupOf,
  persistentVolumeClaims,
  type Stored,
  type VolumeGroupSnapshot,
  type VolumeGroupSnapshotClass,
  type VolumeGroupSnapshotContent,
  type VolumeSnapshot,
  type VolumeSnapshotClass,
  type VolumeSnapshotContent,
  volumeGroupSnapshotClasses,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../kube/index.ts';
import { type OperationsByKind, openOperations } from './operations.ts';

/** Snapshots by `namespace/name` of the claim that they are taken of. */
export const SNAPSHOTS_BY_CLAIM = 'snapshot/claim';
/** Claims by `namespace/name` of the snapshot that their volumes are made of. */
export const CLAIMS_BY_SNAPSHOT = 'claim/snapshot';
/** Snapshots by `namespace/name` of the group snapshot that owns them. */
export const SNAPSHOTS_BY_GROUP = 'snapshot/group';

/** What may be otherwise. */
export interface WorldOptions {
  /** Whether there are group snapshots. @default true */
  readonly groupSnapshots?: boolean | undefined;
  /** Whether contents are given to the nodes that have their volumes. @default false */
  readonly distributed?: boolean | undefined;
  /** Whether contents say of which mode their volumes were. @default true */
  readonly preventVolumeModeConversion?: boolean | undefined;
  /** @default they are not served */
  readonly metrics?: Metrics | undefined;
}

/** The informers of group snapshots. */
export interface GroupInformers {
  readonly groups: Informer<VolumeGroupSnapshot>;
  readonly groupContents: Informer<VolumeGroupSnapshotContent>;
  readonly groupClasses: Informer<VolumeGroupSnapshotClass>;
}

/** What the parts of the snapshot controller share. */
export interface World {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly now: () => string;
  readonly snapshots: Informer<VolumeSnapshot>;
  readonly contents: Informer<VolumeSnapshotContent>;
  readonly classes: Informer<VolumeSnapshotClass>;
  readonly claims: Informer<PersistentVolumeClaim>;
  /** Of these there are none where there are no group snapshots. */
  readonly groups: Lister<Stored<VolumeGroupSnapshot>>;
  readonly groupContents: Lister<Stored<VolumeGroupSnapshotContent>>;
  readonly groupClasses: Lister<Stored<VolumeGroupSnapshotClass>>;
  /** Undefined where there are no group snapshots. */
  readonly groupInformers: GroupInformers | undefined;
  /** Undefined where contents are not given to nodes. */
  readonly nodes: Informer<Node> | undefined;
  readonly tellsVolumeMode: boolean;
  readonly operations: OperationsByKind;
  /** By `namespace/name`: nobody may let go of a claim while another snapshot takes hold of it. */
  readonly claimsInTurn: InTurn;
}

export function openWorld(
  { client, clock, informers, recorder }: ComponentContext,
  options: WorldOptions = {},
): World {
  const { groupSnapshots = true, distributed = false, preventVolumeModeConversion = true } = options;
  const groupInformers = groupSnapshots
    ? {
        groups: informers.of(volumeGroupSnapshots),
        groupContents: informers.of(volumeGroupSnapshotContents),
        groupClasses: informers.of(volumeGroupSnapshotClasses),
      }
    : undefined;
  return {
    client,
    recorder: recorder('snapshot-controller'),
    now: () => rfc3339(clock.now()),
    snapshots: informers
      .of(volumeSnapshots)
      .addIndex(SNAPSHOTS_BY_CLAIM, claimOf)
      .addIndex(SNAPSHOTS_BY_GROUP, (snapshot) => inNamespaceOf(snapshot, parentGroupOf(snapshot))),
    contents: informers.of(volumeSnapshotContents),
    classes: informers.of(volumeSnapshotClasses),
    claims: informers.of(persistentVolumeClaims).addIndex(CLAIMS_BY_SNAPSHOT, snapshotOf),
    ...(groupInformers ?? { groups: NONE, groupContents: NONE, groupClasses: NONE }),
    groupInformers,
    nodes: distributed ? informers.of(nodes) : undefined,
    tellsVolumeMode: preventVolumeModeConversion,
    operations: openOperations(clock, options.metrics),
    claimsInTurn: new InTurn(),
  };
}

/** What a cluster without a kind has of it. */
const NONE: Lister<never> = {
  get: () => undefined,
  byKey: () => undefined,
  byIndex: () => [],
  values: () => [].values(),
  size: 0,
};

function claimOf(snapshot: Stored<VolumeSnapshot>): readonly string[] {
  return inNamespaceOf(snapshot, snapshot.spec.source.persistentVolumeClaimName);
}

function snapshotOf(claim: Stored<PersistentVolumeClaim>): readonly string[] {
  const source = claim.spec?.dataSource;
  const isSnapshot = source?.kind === 'VolumeSnapshot' && source.apiGroup === volumeSnapshots.group;
  return inNamespaceOf(claim, isSnapshot ? source.name : undefined);
}

function inNamespaceOf(
  { metadata }: Stored<VolumeSnapshot | PersistentVolumeClaim>,
  name: string | undefined,
): readonly string[] {
  return name ? [`${metadata.namespace}/${name}`] : [];
}

/** A write that the server refused, in upstream's words. */
export function updateFailed(name: string, error: unknown): Error {
  return new Error(`snapshot controller failed to update ${name} on API server: ${errorMessage(error)}`, {
    cause: error,
  });
}

/** The claim that a snapshot is taken of. @throws Error where there is none. */
export function sourceClaim(world: World, snapshot: Stored<VolumeSnapshot>): Stored<PersistentVolumeClaim> {
  const name = snapshot.spec.source.persistentVolumeClaimName;
  if (name === undefined) throw new Error('the snapshot source PVC name is not specified');
  if (name === '') throw new Error(`the PVC name is not specified in snapshot ${keyOf(snapshot)}`);
  const claim = world.claims.get(name, snapshot.metadata.namespace);
  if (!claim) {
    const why = JSON.stringify(`persistentvolumeclaim "${name}" not found`);
    throw new Error(`failed to retrieve PVC ${name} from the lister: ${why}`);
  }
  return claim;
}
