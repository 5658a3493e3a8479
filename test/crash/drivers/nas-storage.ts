import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Mode, mountable } from './capability.ts';
import type { Thing } from './ledger.ts';
import { idsOf, listed } from './listed.ts';
import { mountsAt } from './mounts-at.ts';
import type { Storage } from './storage.ts';

/** A stamp is a file in a volume's directory, one of many; publishing is a bind mount. */
export function nasStorage(share: string, pods: string): Storage {
  /** To copy and to remove so many files takes a while. */
  const BULK = 100;
  const volumeCapability = mountable(Mode.MULTI_NODE_MULTI_WRITER);
  const place = (id: string, kind: Thing['kind']) =>
    kind === 'volume' ? join(share, id) : join(share, '.stowage/content', id);
  const targetPath = (id: string) => join(pods, id);
  mkdirSync(pods, { recursive: true });
  function stampOf(id: string, kind: Thing['kind']): string {
    const names = readdirSync(place(id, kind));
    if (names.length === 0) return '';
    assert.equal(names.length, BULK + 1, `${kind} ${id} is whole`);
    return readFileSync(join(place(id, kind), 'stamp'), 'utf8');
  }

  return {
    capability: volumeCapability,
    managesData: true,
    finishesAlone: true,
    find: (client) => listed(client, { stampOf, isPublished: (id) => mountsAt(targetPath(id)) > 0 }),
    stamp(id, stamp) {
      const path = place(id, 'volume');
      for (let index = 0; index < BULK; index++) writeFileSync(join(path, `file-${index}`), stamp);
      writeFileSync(join(path, 'stamp'), stamp);
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
    close: async () => undefined,
  };
}
