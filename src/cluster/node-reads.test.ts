import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { bootstrapPolicy } from '../apiserver/auth/index.ts';
import { createLocalClient, createRegistry, openStore } from '../apiserver/index.ts';
import { FakeClock, seededRandom, turn } from '../base/index.ts';
import type { Client } from '../client/index.ts';
import {
  type KubeObject,
  nodes,
  type PersistentVolume,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  services,
} from '../kube/index.ts';
import { ADMINISTRATOR, nodeUser } from './identities.ts';
import { readsOfNode } from './node-reads.ts';

const claim = (name: string, volumeName: string) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Mi' } },
    storageClassName: '',
    volumeName,
  },
});
const volume = (name: string, claimName: string): PersistentVolume => ({
  metadata: { name },
  spec: {
    capacity: { storage: '1Mi' },
    accessModes: ['ReadWriteOnce'],
    hostPath: { path: '/x' },
    // Without it no node has to do with the volume.
    claimRef: { namespace: 'default', name: claimName },
  },
});
const pod = (name: string, nodeName: string, claimName: string) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    nodeName,
    automountServiceAccountToken: false,
    containers: [{ name: 'c', image: 'host' }],
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
  },
});

describe('what a node reads, with the rights of a node', { timeout: 60_000 }, () => {
  const clock = new FakeClock();
  let admin: Client;
  let reads: Client;
  before(async () => {
    const store = await openStore({ memory: true, clock });
    const registry = await createRegistry({ store, clock, random: seededRandom(1) });
    await bootstrapPolicy(registry, []);
    admin = createLocalClient(registry, ADMINISTRATOR);
    reads = readsOfNode(createLocalClient(registry, nodeUser('a')), 'a', clock);
    for (const node of ['a', 'b']) {
      await admin.create(nodes, { metadata: { name: node } });
      await admin.create(persistentVolumes, volume(`volume-${node}`, `claim-${node}`));
      await admin.create(persistentVolumeClaims, claim(`claim-${node}`, `volume-${node}`));
      await admin.create(pods, pod(`pod-${node}`, node, `claim-${node}`));
    }
    await admin.create(pods, pod('waiting', 'a', 'missing'));
  });
  const names = async <T extends KubeObject>(resource: Resource<T>) =>
    (await reads.list(resource)).items.map(({ metadata }) => metadata.name).sort();

  it('is itself, its own pods, and their claims and volumes; of the rest what it may list', async () => {
    assert.deepEqual(await names(nodes), ['a']);
    assert.deepEqual(await names(pods), ['pod-a', 'waiting']);
    assert.deepEqual(await names(persistentVolumeClaims), ['claim-a']);
    assert.deepEqual(await names(persistentVolumes), ['volume-a']);
    assert.deepEqual(await names(services), []);
  });

  it('is told what becomes of claims and volumes: those that come, change and go', async () => {
    const ending = new AbortController();
    const { metadata } = await reads.list(persistentVolumes);
    const { resourceVersion } = metadata;
    const watch = () =>
      reads.watch(persistentVolumes, { resourceVersion, signal: ending.signal })[Symbol.asyncIterator]();
    let events = watch();
    /** Lets time go by until it has come. */
    const soon = async <T>(coming: Promise<T>): Promise<T> => {
      let isThere = false;
      void coming.finally(() => {
        isThere = true;
      });
      while (!isThere) {
        await clock.advance(1_000);
        await turn();
      }
      return coming;
    };
    /** The next change, after `change`. */
    const after = async (change: () => Promise<unknown>) => {
      await change();
      const { value } = await soon(events.next());
      return `${value.type} ${value.object.metadata.name}`;
    };
    const label = (name: string) => () =>
      admin.patch(persistentVolumes, { name }, { type: 'merge', body: { metadata: { labels: { x: 'y' } } } });
    assert.equal(await after(label('volume-a')), 'MODIFIED volume-a');
    const appear = async () => {
      // Another node's is none of its business.
      await label('volume-b')();
      await admin.create(persistentVolumes, volume('late', 'missing'));
      await admin.create(persistentVolumeClaims, claim('missing', 'late'));
    };
    assert.equal(await after(appear), 'ADDED late');
    const go = () => admin.delete(pods, { namespace: 'default', name: 'pod-a' }, { gracePeriodSeconds: 0 });
    assert.equal(await after(go), 'DELETED volume-a');
    // One that breaks off: the next goes on from what was told, not from the list.
    await events.return?.();
    events = watch();
    const goToo = () =>
      admin.delete(pods, { namespace: 'default', name: 'waiting' }, { gracePeriodSeconds: 0 });
    assert.equal(await after(goToo), 'DELETED late');
    const end = events.next();
    ending.abort();
    assert.equal((await end).done, true);
  });
});
