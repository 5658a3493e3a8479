import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import {
  isBeingDeleted,
  type KubeObject,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  type Stored,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createProtectionControllers } from '../protection/index.ts';
import { claimOf, volumeOf } from './controller.test-support.ts';
import { createPersistentVolumeController } from './index.ts';

const KINDS = ['volume', 'claim', 'pod'] as const;
type Kind = (typeof KINDS)[number];
/** One is deleted, or asked for again: it is made once its name is free. */
type Step = `${'-' | '+'}${Kind}`;

const POD = {
  metadata: { name: 'pod', namespace: 'default' },
  spec: {
    containers: [{ name: 'c', image: 'i' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'claim' } }],
  },
};

/** Every order in which each of them goes, and is asked for again after it has gone: 90. */
function everyOrder(done: readonly Step[] = []): readonly (readonly Step[])[] {
  const next = KINDS.flatMap((kind): Step[] => {
    if (!done.includes(`-${kind}`)) return [`-${kind}`];
    return done.includes(`+${kind}`) ? [] : [`+${kind}`];
  });
  return next.length === 0 ? [done] : next.flatMap((step) => everyOrder([...done, step]));
}

/** A claim that is bound, with a pod that uses it, and somebody who places the pod once its claim can be used. */
async function world(test: TestContext) {
  const clock = new FakeClock();
  const { client, context, run } = await startStack(test, { clock, watch: [] });
  const { informers } = context;
  const found = {
    volume: () => informers.of(persistentVolumes).get('pv'),
    claim: () => informers.of(persistentVolumeClaims).get('claim', 'default'),
    pod: () => informers.of(pods).get('pod', 'default'),
  };
  const make = {
    volume: () => client.create(persistentVolumes, volumeOf('pv')),
    claim: () => client.create(persistentVolumeClaims, claimOf('claim')),
    pod: () => client.create(pods, POD),
  };
  const remove = <T extends KubeObject>(resource: Resource<T>, { metadata }: Stored<T>) =>
    client.delete(resource, metadata, { gracePeriodSeconds: 0 });
  const take = {
    volume: () => remove(persistentVolumes, found.volume()!),
    claim: () => remove(persistentVolumeClaims, found.claim()!),
    pod: () => remove(pods, found.pod()!),
  };
  const awaited = new Set<Kind>();
  /** Until nothing happens any more. */
  const rest = async () => {
    for (let look = 0; look < 30; look++) {
      await clock.advance(100);
      for (const kind of awaited) {
        if (found[kind]()) continue;
        awaited.delete(kind);
        await make[kind]();
      }
      const claim = found.claim();
      const isUsable = claim?.status?.phase === 'Bound' && !isBeingDeleted(claim);
      if (!isUsable || !found.pod() || found.pod()?.spec?.nodeName) continue;
      await client.createSubresource(pods, POD.metadata, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: POD.metadata,
        target: { kind: 'Node', name: 'node-1' },
      });
    }
  };
  run(createProtectionControllers(context), createPersistentVolumeController(context));
  for (const kind of KINDS) await make[kind]();
  await rest();
  const state = () => {
    const [volume, claim, pod] = [found.volume(), found.claim(), found.pod()];
    return {
      volume: volume?.status?.phase,
      claim: claim?.status?.phase,
      isTheClaims: volume?.spec?.claimRef?.uid === claim?.metadata.uid && claim?.spec?.volumeName === 'pv',
      runs: pod?.spec?.nodeName !== undefined,
      leaving: KINDS.filter((kind) => found[kind]()?.metadata.deletionTimestamp !== undefined),
    };
  };
  return {
    rest,
    state,
    uids: () => KINDS.map((kind) => found[kind]()?.metadata.uid),
    async do(step: Step) {
      const kind = step.slice(1) as Kind;
      if (step.startsWith('-')) await take[kind]();
      else awaited.add(kind);
    },
  };
}

const WELL = { volume: 'Bound', claim: 'Bound', isTheClaims: true, runs: true, leaving: [] };

describe('a volume, its claim and its pod, deleted and made anew in every order', () => {
  for (const order of everyOrder()) {
    it(order.join(' '), async (test) => {
      const w = await world(test);
      assert.deepEqual(w.state(), WELL);
      const before = w.uids();
      for (const step of order) {
        await w.do(step);
        await w.rest();
      }
      const isNew = w.uids().map((uid, at) => uid !== before[at]);
      if (order.indexOf('+pod') < order.indexOf('-claim')) {
        // The new pod uses the claim when that is to go: it stays, and so does its volume.
        assert.deepEqual(w.state(), { ...WELL, leaving: ['volume', 'claim'] });
        assert.deepEqual(isNew, [false, false, true]);
      } else {
        assert.deepEqual(w.state(), WELL);
        assert.deepEqual(isNew, [true, true, true]);
      }
    });
  }
});
