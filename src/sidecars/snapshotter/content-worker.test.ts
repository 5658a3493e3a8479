import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ANN_SNAPSHOT_BEING_CREATED,
  ANN_SNAPSHOT_BEING_DELETED,
  type Stored,
  type VolumeSnapshotClass,
  type VolumeSnapshotContent,
} from '../../kube/index.ts';
import type { ContentObjects } from './content-objects.ts';
import { ContentWorker } from './content-worker.ts';
import { flagsOf } from './options.ts';
import { SNAPSHOTS } from './snapshot-kind.ts';

type Content = Stored<VolumeSnapshotContent>;

const content: Content = {
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshotContent',
  metadata: { name: 'c', uid: 'c', resourceVersion: '1', creationTimestamp: '' },
  spec: {
    driver: 'd',
    deletionPolicy: 'Delete',
    source: { volumeHandle: 'v' },
    volumeSnapshotClassName: 'fast',
    volumeSnapshotRef: { namespace: 'ns', name: 's', uid: 'u' },
  },
};
const tried: Content = {
  ...content,
  metadata: { ...content.metadata, annotations: { [ANN_SNAPSHOT_BEING_CREATED]: 'yes' } },
};
const ready: Content = { ...tried, status: { snapshotHandle: 'h', readyToUse: true } };
const going: Content = {
  ...content,
  metadata: {
    ...content.metadata,
    deletionTimestamp: '2026-01-01T00:00:00Z',
    annotations: { [ANN_SNAPSHOT_BEING_DELETED]: 'yes' },
  },
};

/** What a worker does that knows a content as `cached`, while the server has it as `atServer`. */
async function deeds(cached: Content, atServer: Content | undefined): Promise<string[]> {
  const done: string[] = [];
  const objects: Partial<ContentObjects<VolumeSnapshotContent, VolumeSnapshotClass, object>> = {
    latest: async () => {
      done.push('ask');
      return atServer;
    },
    credentials: async () => ({}),
    classNamed: () => ({ parameters: {} }) as never,
    markCreating: async (one, isBeingCreated) => {
      done.push(isBeingCreated ? 'mark' : 'unmark');
      return one;
    },
    write: async () => ready,
    release: async () => void done.push('release'),
  };
  const calls = { create: async () => void done.push('create') };
  const worker = new ContentWorker({
    kind: SNAPSHOTS,
    objects: objects as never,
    calls: calls as never,
    recorder: { event: () => undefined } as never,
    flags: flagsOf({} as never),
  });
  await worker.sync(cached, new AbortController().signal);
  return done;
}

describe('a snapshot that may have been begun', () => {
  const cases: [what: string, cached: Content, atServer: Content | undefined, done: string[]][] = [
    ['a first try asks nobody: its mark does', content, undefined, ['mark', 'create', 'unmark']],
    ['a later one goes on', tried, tried, ['ask', 'mark', 'create', 'unmark']],
    ['its content is gone: no snapshot of nobody', tried, undefined, ['ask']],
    ['another has made it', tried, ready, ['ask', 'unmark']],
    ['its content goes', tried, going, ['ask', 'release']],
  ];
  for (const [what, cached, atServer, done] of cases)
    it(what, async () => assert.deepEqual(await deeds(cached, atServer), done));
});
