import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/base/index.ts';
import { createLinuxHost } from '../../../src/host/index.ts';
import { Mode, mountable } from './capability.ts';
import type { Thing } from './ledger.ts';
import { listed } from './listed.ts';
import type { Storage } from './storage.ts';

const host = createLinuxHost({ clock: systemClock });

/** A stamp is in the first block of a volume's image; publishing is a loop device. */
export function diskStorage(pool: string): Storage {
  const LENGTH = 64;
  const volumeCapability = mountable(Mode.SINGLE_NODE_WRITER);
  const image = (id: string, kind: Thing['kind']) =>
    join(pool, `${id}.${kind === 'volume' ? 'img' : 'snap'}`);
  function stampOf(id: string, kind: Thing['kind']): string {
    const file = openSync(image(id, kind), 'r');
    const bytes = Buffer.alloc(LENGTH);
    readSync(file, bytes, 0, LENGTH, 0);
    closeSync(file);
    return bytes.toString().replace(/\0+$/, '');
  }

  return {
    capability: volumeCapability,
    managesData: true,
    finishesAlone: true,
    find: (client) => listed(client, { stampOf, isPublished: (_id, nodes) => nodes.includes('n1') }),
    stamp(id, stamp) {
      const file = openSync(image(id, 'volume'), 'r+');
      writeSync(file, stamp.padEnd(LENGTH, '\0'), 0);
      closeSync(file);
    },
    publish: (client, volumeId) =>
      client.controller.controllerPublishVolume({ volumeId, nodeId: 'n1', volumeCapability }),
    unpublish: (client, volumeId) => client.controller.controllerUnpublishVolume({ volumeId, nodeId: 'n1' }),
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
    close: async () => undefined,
  };
}
