import assert from 'node:assert/strict';
import type { CsiClient } from '../../../src/csi/index.ts';
import type { Thing } from './ledger.ts';

/** How a driver's volumes and snapshots are looked at past it. */
interface Look {
  /** What was written last; empty: nothing. */
  stampOf(id: string, kind: Thing['kind']): string;
  isPublished(volumeId: string, nodes: readonly string[]): boolean;
}

/** What a driver lists. */
export async function listed({ controller }: CsiClient, look: Look): Promise<Map<string, Thing>> {
  const found = new Map<string, Thing>();
  for (const { volume, status } of (await controller.listVolumes()).entries) {
    const { volumeId, capacityBytes: sizeBytes } = volume!;
    assert.equal(status?.volumeCondition?.abnormal, false, status?.volumeCondition?.message);
    const isPublished = look.isPublished(volumeId, status?.publishedNodeIds ?? []);
    const stamp = look.stampOf(volumeId, 'volume');
    found.set(volumeId, { kind: 'volume', sizeBytes, stamp, isPublished });
  }
  for (const { snapshot } of (await controller.listSnapshots()).entries) {
    const { snapshotId, sourceVolumeId, sizeBytes, readyToUse } = snapshot!;
    assert.ok(readyToUse);
    const stamp = look.stampOf(snapshotId, 'snapshot');
    found.set(snapshotId, { kind: 'snapshot', sourceVolumeId, sizeBytes, stamp });
  }
  return found;
}

export function idsOf(found: ReadonlyMap<string, Thing>, kind: Thing['kind']): string[] {
  return [...found]
    .filter(([, thing]) => thing.kind === kind)
    .map(([id]) => id)
    .sort();
}
