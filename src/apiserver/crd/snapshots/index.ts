import { customResourceDefinitions, type Resource } from '../../../kube/index.ts';
import { SYSTEM } from '../../registry/bootstrap.ts';
import type { Registry } from '../../registry/contract.ts';
import type { Crd } from '../types.ts';
import { crdOf } from './define.ts';
import { groupSnapshotKinds } from './group-snapshot.ts';
import { populatorCrd } from './populator.ts';
import { snapshotKinds } from './snapshot.ts';
import { snapshotMetadataServiceCrd } from './snapshot-metadata-service.ts';

/** The CustomResourceDefinitions of snapshots and group snapshots. */
export const snapshotCrds: readonly Crd[] = [...snapshotKinds, ...groupSnapshotKinds].map(crdOf);

export { populatorCrd, snapshotMetadataServiceCrd };

/** Makes the kinds of snapshots, populators and services of changed blocks that are not there yet; what somebody has put in their place stays. */
export async function ensureSnapshotCrds(registry: Registry): Promise<void> {
  const resource = customResourceDefinitions as unknown as Resource<Crd>;
  const present = new Set(registry.list(resource).entries.map(({ object }) => object.metadata.name));
  const absent = [...snapshotCrds, populatorCrd, snapshotMetadataServiceCrd].filter(
    ({ metadata }) => !present.has(metadata?.name ?? ''),
  );
  await Promise.all(absent.map((crd) => registry.create(resource, crd, SYSTEM)));
}
