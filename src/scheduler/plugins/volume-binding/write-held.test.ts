import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../../client/index.ts';
import {
  type PersistentVolume,
  persistentVolumes,
  type Stored,
  staleObject,
  withAnnotations,
} from '../../../kube/index.ts';
import { newVolume } from '../../fixtures.ts';
import { writeHeld } from './write-held.ts';

const signal = new AbortController().signal;
const mark = (volume: Stored<PersistentVolume>) => withAnnotations(volume, { mark: 'yes' });

/** A server whose version of the volume is ahead of ours for so many writes. */
function serverAhead(conflicts: number, latest: Stored<PersistentVolume>) {
  const written: unknown[] = [];
  const client = {
    update: async (_resource: unknown, object: Stored<PersistentVolume>) => {
      if (conflicts-- > 0) throw staleObject(persistentVolumes, 'v');
      written.push(object);
      return object;
    },
    get: async () => latest,
  } as unknown as Client;
  return { client, written };
}

describe('writeHeld', () => {
  it('makes the change again on the latest version', async () => {
    const latest = newVolume('v', { labels: { added: 'meanwhile' } });
    const { client, written } = serverAhead(1, latest);
    await writeHeld(client, persistentVolumes, mark(newVolume('v')), mark, signal);
    assert.deepEqual(written, [mark(latest)]);
  });

  it('rejects when the change no longer applies, or the object is another one', async () => {
    const gone = serverAhead(1, newVolume('v'));
    await assert.rejects(
      writeHeld(gone.client, persistentVolumes, newVolume('v'), () => undefined, signal),
      /the object has been modified/,
    );
    const base = newVolume('v');
    const other = serverAhead(1, { ...base, metadata: { ...base.metadata, uid: 'another' } });
    await assert.rejects(
      writeHeld(other.client, persistentVolumes, base, mark, signal),
      /the object has been modified/,
    );
  });

  it('gives up after some tries', async () => {
    const { client } = serverAhead(99, newVolume('v'));
    await assert.rejects(writeHeld(client, persistentVolumes, newVolume('v'), mark, signal));
  });
});
