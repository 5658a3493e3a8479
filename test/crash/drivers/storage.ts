import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/base/index.ts';
import { type CsiClient, csi } from '../../../src/csi/index.ts';
import { createLinuxHost } from '../../../src/host/index.ts';
import type { Snapshot, Volume } from './ledger.ts';

export type DriverKind = 'disk' | 'nas';

type Found = ReadonlyMap<string, Volume | Snapshot>;

/** What a kind of driver has on the disk, seen past the driver. */
export interface Storage {
  readonly kind: DriverKind;
  /** The directory of the volumes. */
  readonly root: string;
  readonly capability: ReturnType<typeof mountable>[];
  /** Writes into a volume, as a pod would. */
  stamp(volumeId: string, stamp: string): void;
  /** What was written last; empty: nothing. */
  stampOf(id: string, kind: 'volume' | 'snapshot'): string;
  publish(client: CsiClient, volumeId: string): Promise<unknown>;
  unpublish(client: CsiClient, volumeId: string): Promise<unknown>;
  isPublished(volumeId: string, nodes: readonly string[]): boolean;
  /** @throws AssertionError for what belongs to none of those that there are. */
  assertNothingBeside(found: Found): Promise<void>;
}

const host = createLinuxHost({ clock: systemClock });
const Mode = csi.VolumeCapability_AccessMode_Mode;

export function storageOf(kind: DriverKind, directory: string): Storage {
  return kind === 'disk' ? diskStorage(join(directory, 'storage')) : nasStorage(directory);
}

const mountable = (mode: csi.VolumeCapability_AccessMode_Mode) => ({
  accessMode: { mode },
  accessType: { case: 'mount' as const, value: {} },
});

/** A stamp is in the first block of a volume's image; publishing is a loop device. */
function diskStorage(pool: string): Storage {
  const LENGTH = 64;
  const volumeCapability = mountable(Mode.SINGLE_NODE_WRITER);
  const image = (id: string, kind: 'volume' | 'snapshot') =>
    join(pool, `${id}.${kind === 'volume' ? 'img' : 'snap'}`);
  return {
    kind: 'disk',
    root: pool,
    capability: [volumeCapability],
    stamp(id, stamp) {
      const file = openSync(image(id, 'volume'), 'r+');
      writeSync(file, stamp.padEnd(LENGTH, '\0'), 0);
      closeSync(file);
    },
    stampOf(id, kind) {
      const file = openSync(image(id, kind), 'r');
      const bytes = Buffer.alloc(LENGTH);
      readSync(file, bytes, 0, LENGTH, 0);
      closeSync(file);
      return bytes.toString().replace(/\0+$/, '');
    },
    publish: (client, volumeId) =>
      client.controller.controllerPublishVolume({ volumeId, nodeId: 'n1', volumeCapability }),
    unpublish: (client, volumeId) => client.controller.controllerUnpublishVolume({ volumeId, nodeId: 'n1' }),
    isPublished: (_id, nodes) => nodes.includes('n1'),
    async assertNothingBeside(found) {
      const files = [...found].flatMap(([id, thing]) =>
        thing.kind === 'snapshot'
          ? [`${id}.snap`, `${id}.snapshot`]
          : [`${id}.img`, `${id}.json`, ...(thing.isPublished ? [`${id}.node`] : [])],
      );
      assert.deepEqual(readdirSync(pool).sort(), files.sort());
      const loops = (await host.loops.list()).filter(({ backingFile }) => backingFile.startsWith(`${pool}/`));
      const images = loops.map(({ backingFile }) => backingFile);
      assert.equal(new Set(images).size, images.length, 'an image has one loop device at most');
      for (const path of images) {
        const volume = [...found].find(([id]) => image(id, 'volume') === path)?.[1];
        assert.ok(
          volume?.kind === 'volume' && volume.isPublished,
          `${path} is published, or has no loop device`,
        );
      }
    },
  };
}

/** A stamp is a file in a volume's directory, one of many; publishing is a bind mount. */
function nasStorage(directory: string): Storage {
  /** To copy and to remove so many files takes a while. */
  const BULK = 100;
  const share = join(directory, 'storage');
  const pods = join(directory, 'pods');
  const volumeCapability = mountable(Mode.MULTI_NODE_MULTI_WRITER);
  const place = (id: string, kind: 'volume' | 'snapshot') =>
    kind === 'volume' ? join(share, id) : join(share, '.stowage/content', id);
  const targetPath = (id: string) => join(pods, id);
  const mountsAt = (target: string) =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.split(' ')[4] === target).length;
  mkdirSync(pods, { recursive: true });
  return {
    kind: 'nas',
    root: share,
    capability: [volumeCapability],
    stamp(id, stamp) {
      const path = place(id, 'volume');
      for (let index = 0; index < BULK; index++) writeFileSync(join(path, `file-${index}`), stamp);
      writeFileSync(join(path, 'stamp'), stamp);
    },
    stampOf(id, kind) {
      const names = readdirSync(place(id, kind));
      if (names.length === 0) return '';
      assert.equal(names.length, BULK + 1, `${kind} ${id} is whole`);
      return readFileSync(join(place(id, kind), 'stamp'), 'utf8');
    },
    publish: (client, volumeId) =>
      client.node.nodePublishVolume({
        volumeId,
        targetPath: targetPath(volumeId),
        volumeCapability,
        volumeContext: { subDir: volumeId, volumeId },
      }),
    unpublish: (client, volumeId) =>
      client.node.nodeUnpublishVolume({ volumeId, targetPath: targetPath(volumeId) }),
    isPublished: (id) => mountsAt(targetPath(id)) > 0,
    async assertNothingBeside(found) {
      const [volumes, snapshots] = [idsOf(found, 'volume'), idsOf(found, 'snapshot')];
      const tops = readdirSync(share).filter((name) => name !== '.stowage');
      assert.deepEqual(tops.sort(), volumes);
      const own = (name: string) => readdirSync(join(share, '.stowage', name)).sort();
      assert.deepEqual(own('volumes'), volumes.map((id) => `${id}.json`).sort());
      assert.deepEqual(own('snapshots'), snapshots.map((id) => `${id}.json`).sort());
      assert.deepEqual(own('content'), snapshots);
      assert.deepEqual(own('work'), []);
      for (const id of readdirSync(pods)) {
        const thing = found.get(id);
        const most = thing?.kind === 'volume' && thing.isPublished ? 1 : 0;
        assert.ok(mountsAt(targetPath(id)) <= most, `${id} is mounted ${mountsAt(targetPath(id))} times`);
      }
    },
  };
}

function idsOf(found: Found, kind: 'volume' | 'snapshot'): string[] {
  return [...found]
    .filter(([, thing]) => thing.kind === kind)
    .map(([id]) => id)
    .sort();
}
