import type { csi } from '../../../csi/index.ts';
import { type Check, checksOf } from '../check.ts';
import type { Need } from '../needs.ts';
import type { Scene } from '../scene.ts';
import { demandText, writeInto } from './files.ts';

const NEEDS: readonly Need[] = ['Controller CREATE_DELETE_VOLUME'];
const SNAPSHOTS: readonly Need[] = ['Controller CREATE_DELETE_SNAPSHOT'];
const CLONES: readonly Need[] = ['Controller CLONE_VOLUME'];
const MOUNTED: readonly Need[] = ['node', 'file system access'];

export const snapshotDataChecks: readonly Check[] = checksOf('CreateVolume', NEEDS, [
  [
    'restored',
    'A restored volume holds what was there when the snapshot was taken',
    async (scene) => {
      const source = await writtenVolume(scene, 'before');
      const { snapshotId } = await scene.snapshot(source.volumeId);
      await rewrite(scene, source, 'after');
      const volume = await made(scene, snapshotSource(snapshotId));
      await demandText(scene, await shown(scene, volume), 'before', 'the restored volume');
    },
    [...SNAPSHOTS, ...MOUNTED],
  ],
  [
    'restored-without-source',
    'A snapshot outlives its volume, or the volume cannot be deleted',
    async (scene) => {
      const { volumeId } = await scene.volume();
      const { snapshotId } = await scene.snapshot(volumeId);
      const deleted = await scene.answersOr(
        scene.csi.controller.deleteVolume({ volumeId }),
        ['FAILED_PRECONDITION'],
        'a volume with snapshots is deleted, or stays as it is with FAILED_PRECONDITION',
      );
      if (deleted) await made(scene, snapshotSource(snapshotId));
    },
    SNAPSHOTS,
  ],
  [
    'restored-larger',
    'A volume can be restored with more capacity, or that is refused',
    async (scene) => {
      const { volumeId, capacityBytes } = await scene.volume();
      const { snapshotId } = await scene.snapshot(volumeId);
      await largerCopy(scene, snapshotSource(snapshotId), capacityBytes || scene.options.sizeBytes);
    },
    SNAPSHOTS,
  ],
  [
    'cloned',
    'A clone holds what its source held, and goes its own way',
    async (scene) => {
      const source = await writtenVolume(scene, 'before');
      const volume = await made(scene, volumeSource(source.volumeId));
      await rewrite(scene, source, 'after');
      await demandText(scene, await shown(scene, volume), 'before', 'the clone');
    },
    [...CLONES, ...MOUNTED],
  ],
  [
    'cloned-larger',
    'A volume can be cloned with more capacity, or that is refused',
    async (scene) => {
      const { volumeId, capacityBytes } = await scene.volume();
      await largerCopy(scene, volumeSource(volumeId), capacityBytes || scene.options.sizeBytes);
    },
    CLONES,
  ],
]);

type Source = NonNullable<NonNullable<Parameters<Scene['volume']>[0]>['volumeContentSource']>;

const snapshotSource = (snapshotId: string): Source => ({
  type: { case: 'snapshot', value: { snapshotId } },
});
const volumeSource = (volumeId: string): Source => ({ type: { case: 'volume', value: { volumeId } } });

/** A volume made from a source, which says so. */
async function made(scene: Scene, volumeContentSource: Source): Promise<csi.Volume> {
  const request = await scene.volumeRequest({ volumeContentSource });
  const { volume } = await scene.answers(
    scene.csi.controller.createVolume(request),
    'a volume is made from a source that exists',
  );
  scene.demand(
    volume?.contentSource?.type.case === volumeContentSource.type?.case,
    'content_source is set when the volume was made from a source',
    'answer with the source of the request',
  );
  return volume!;
}

async function largerCopy(scene: Scene, volumeContentSource: Source, sizeBytes: bigint): Promise<void> {
  const request = await scene.volumeRequest({
    volumeContentSource,
    capacityRange: { requiredBytes: sizeBytes * 2n },
  });
  const answer = await scene.answersOr(
    scene.csi.controller.createVolume(request),
    ['OUT_OF_RANGE'],
    'a copy may be larger than its source, unless the plugin answers OUT_OF_RANGE',
  );
  scene.demand(
    answer === undefined ||
      answer.volume!.capacityBytes === 0n ||
      answer.volume!.capacityBytes >= sizeBytes * 2n,
    'capacity_range is honored, even when creating volumes from a source',
    'grow the copy, or answer OUT_OF_RANGE',
  );
}

async function writtenVolume(scene: Scene, text: string): Promise<csi.Volume> {
  const volume = await scene.volume();
  await rewrite(scene, volume, text);
  return volume;
}

/** Writes while the volume is on the node, and takes it off: what was written is then in the storage. */
async function rewrite(scene: Scene, volume: csi.Volume, text: string): Promise<void> {
  const placed = await scene.place(volume);
  const path = await scene.mount(placed);
  await writeInto(scene, path, text);
  await scene.takeOff(placed, path);
}

async function shown(scene: Scene, volume: csi.Volume): Promise<string> {
  return scene.mount(await scene.place(volume));
}
