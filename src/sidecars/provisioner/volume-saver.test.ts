import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger } from '../../base/index.ts';
import type { ComponentContext, EventRecorder, Lister } from '../../client/index.ts';
import {
  alreadyExists,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumes,
  type Stored,
} from '../../kube/index.ts';
import { VolumeSaver } from './volume-saver.ts';

const VOLUME: PersistentVolume = { metadata: { name: 'pvc-1' }, spec: { claimRef: { uid: '1' } } };
const NO_CLAIMS = { byIndex: () => [] } as unknown as Lister<Stored<PersistentVolumeClaim>>;
const NO_EVENTS: EventRecorder = { event() {} };

/** A saver for a server that has an object of the volume's name. */
function start(test: { after(stop: () => void): void }, present: PersistentVolume) {
  let there: PersistentVolume | undefined = present;
  const clock = new FakeClock();
  const client = {
    async create(_: unknown, volume: PersistentVolume) {
      if (there) throw alreadyExists(persistentVolumes, 'pvc-1');
      there = volume;
      return volume;
    },
    get: async () => there,
  };
  const context = { client, clock, log: silentLogger } as unknown as ComponentContext;
  const saver = new VolumeSaver(context, NO_CLAIMS, NO_EVENTS);
  const stop = new AbortController();
  test.after(() => stop.abort());
  void saver.run(stop.signal);
  return {
    saver,
    clock,
    present: () => there,
    remove() {
      there = undefined;
    },
  };
}

describe('the object of a new volume', () => {
  it('that is there already is taken for the own of an earlier try', async (test) => {
    const { saver, present } = start(test, { ...VOLUME, status: { phase: 'Bound' } });
    let saved = 0;
    await saver.save(VOLUME, () => saved++);
    assert.deepEqual([saved, saver.has('pvc-1'), present()?.status?.phase], [1, false, 'Bound']);
  });

  it('is written once another of its name, which is being deleted, is gone', async (test) => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    const { saver, clock, present, remove } = start(test, { metadata: { name: 'pvc-1', deletionTimestamp } });
    let saved = 0;
    await saver.save(VOLUME, () => saved++);
    await clock.advance(60_000);
    assert.deepEqual([saved, saver.has('pvc-1')], [0, true]);
    remove();
    saver.gone('pvc-1');
    await clock.advance(0);
    assert.equal(saved, 1);
    assert.equal(present(), VOLUME);
  });
});
