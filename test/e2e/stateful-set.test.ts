import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../src/kube/index.ts';
import { cannotMount } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { storageClass } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const CLASS = storageClass('fast', 'disk.csi.stowage.dev');

const set = (name: string, more: object = {}, version = '1') => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name },
  spec: {
    replicas: 2,
    serviceName: name,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'c',
            image: 'busybox',
            command: ['sh', '-c', 'trap "exit 0" TERM; date >> /data/log; echo written; sleep 3600 & wait'],
            env: [{ name: 'VERSION', value: version }],
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: {
          storageClassName: 'fast',
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '16Mi' } },
        },
      },
    ],
    ...more,
  },
});

/** What is left of the claims of a set of two pods, scaled down to one and then deleted. */
const RETENTION = [
  { whenScaled: 'Retain', whenDeleted: 'Retain', scaled: '0 1', deleted: '0 1' },
  { whenScaled: 'Retain', whenDeleted: 'Delete', scaled: '0 1', deleted: '' },
  { whenScaled: 'Delete', whenDeleted: 'Retain', scaled: '0', deleted: '0' },
  { whenScaled: 'Delete', whenDeleted: 'Delete', scaled: '0', deleted: '' },
].map((one) => ({ ...one, name: `${one.whenScaled}-${one.whenDeleted}`.toLowerCase() }));

describe('StatefulSets with claims, by kubectl', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  const { k, apply, gone, says, isBack } = cluster;

  /** The ordinals of the claims of a set, those on their way out left aside. */
  const claims = async (name: string) => {
    const { items } = JSON.parse(await k('get', 'pvc', '-l', `app=${name}`, '-o', 'json'));
    return items
      .filter(({ metadata }: Pod) => !metadata?.deletionTimestamp)
      .map(({ metadata }: Pod) => metadata?.name?.slice(`data-${name}-`.length))
      .join(' ');
  };
  const settled = async (name: string, ordinals: string) => {
    for (const ordinal of ['0', '1']) {
      if (!ordinals.includes(ordinal)) await gone(`pvc/data-${name}-${ordinal}`);
    }
    assert.equal(await claims(name), ordinals, name);
  };
  /** The versions that the pods run at, by their ordinals. */
  const versions = async (name: string) => {
    const { items } = JSON.parse(await k('get', 'pods', '-l', `app=${name}`, '-o', 'json'));
    return items.map(({ spec }: Pod) => spec?.containers[0]?.env?.[0]?.value).join(' ');
  };
  const rolledOut = (name: string) => k('rollout', 'status', `statefulset/${name}`, '--timeout=60s');

  it('keep or lose their claims by each retention policy', async () => {
    await apply(
      CLASS,
      ...RETENTION.map(({ name, whenScaled, whenDeleted }) =>
        set(name, {
          podManagementPolicy: 'Parallel',
          persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
        }),
      ),
    );
    for (const { name } of RETENTION) await rolledOut(name);
    for (const { name } of RETENTION) assert.equal(await claims(name), '0 1', name);

    await k('scale', 'statefulset', '--replicas=1', ...RETENTION.map(({ name }) => name));
    for (const { name } of RETENTION) await gone(`pod/${name}-1`);
    for (const { name, scaled } of RETENTION) await settled(name, scaled);

    await k('delete', 'statefulset', ...RETENTION.map(({ name }) => name));
    for (const { name } of RETENTION) await gone(`pod/${name}-0`);
    for (const { name, deleted } of RETENTION) await settled(name, deleted);
    await k('delete', 'pvc', '--all', '--timeout=60s');
    await gone('pv');
  });

  it('scaled up again, a pod gets what its predecessor wrote, if that was kept', async () => {
    for (const whenScaled of ['Retain', 'Delete']) {
      const name = whenScaled.toLowerCase();
      await apply(
        set(name, {
          replicas: 1,
          persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted: 'Delete' },
        }),
      );
      await rolledOut(name);
      const lines = async () => {
        await says(`${name}-0`, /^written$/);
        const uid = await k('get', 'pod', `${name}-0`, '-o', 'jsonpath={.metadata.uid}');
        const log = await k('exec', `${name}-0`, '--', 'wc', '-l', '/data/log');
        return { uid, count: Number.parseInt(log, 10) };
      };
      const before = await lines();
      await k('scale', 'statefulset', name, '--replicas=0');
      await gone(`pod/${name}-0`);
      await k('scale', 'statefulset', name, '--replicas=1');
      await rolledOut(name);
      const after = await lines();
      assert.notEqual(after.uid, before.uid);
      assert.equal(after.count, whenScaled === 'Retain' ? 2 : 1, whenScaled);
      await k('delete', 'statefulset', name, '--timeout=60s');
    }
    await gone('pv');
  });

  it('roll out down to their partition, and the rest when it is lowered', async () => {
    const strategy = (partition: number) => ({
      replicas: 3,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete' },
    });
    await apply(set('rolling', strategy(2)));
    await rolledOut('rolling');
    await apply(set('rolling', strategy(2), '2'));
    assert.match(await rolledOut('rolling'), /partitioned roll out complete: 1 new pods have been updated/);
    assert.equal(await versions('rolling'), '1 1 2');
    // A pod below the partition comes back as it was.
    await k('delete', 'pod', 'rolling-0');
    await rolledOut('rolling');
    await isBack('rolling-0');
    assert.equal(await versions('rolling'), '1 1 2');
    await apply(set('rolling', strategy(0), '2'));
    await rolledOut('rolling');
    assert.equal(await versions('rolling'), '2 2 2');
    await k('delete', 'statefulset', 'rolling', '--timeout=60s');
    await gone('pods');
    await gone('pv');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });
});
