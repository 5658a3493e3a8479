import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  csiDrivers,
  events,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createPluginRegistry } from '../../volume/index.ts';
import { createCsiPlugin } from '../../volume/plugins/csi/index.ts';
import { createSelinuxWarningController } from './index.ts';

const DRIVER = 'disk.example.com';

async function start(test: TestContext, seLinuxMount: boolean) {
  const stack = await startStack(test, {
    watch: [pods, persistentVolumes, persistentVolumeClaims, csiDrivers, events],
  });
  const { client, context } = stack;
  await client.create(csiDrivers, {
    metadata: { name: DRIVER },
    spec: { attachRequired: false, seLinuxMount },
  });
  const shared = { accessModes: ['ReadWriteMany'], storageClassName: '' };
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: { ...shared, capacity: { storage: '1Gi' }, csi: { driver: DRIVER, volumeHandle: 'h' } },
  });
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: 'default' },
    spec: { ...shared, volumeName: 'pv', resources: { requests: { storage: '1Gi' } } },
  });
  const { uid } = claim.metadata;
  const body = { spec: { claimRef: { namespace: 'default', name: 'data', uid } } };
  await client.patch(persistentVolumes, { name: 'pv' }, { type: 'merge', body });
  const status = { ...claim.status, phase: 'Bound' };
  await client.update(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
  stack.run(
    createSelinuxWarningController(context, { plugins: createPluginRegistry([createCsiPlugin(context)]) }),
  );
  const create = (name: string, level: string, more: NonNullable<Pod['spec']>['securityContext'] = {}) =>
    client.create(pods, {
      metadata: { name, namespace: 'default' },
      spec: {
        securityContext: { seLinuxOptions: { level }, ...more },
        containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
  /** Its containers mount the volume with different labels. */
  const createTorn = () =>
    client.create(pods, {
      metadata: { name: 'torn', namespace: 'default' },
      spec: {
        containers: ['s0:c1', 's0:c2'].map((level, index) => ({
          name: `c${index}`,
          image: 'i',
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
          securityContext: { seLinuxOptions: { level } },
        })),
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
  const told = async (count: number) => {
    await stack.until(`${count} events`, () => context.informers.of(events).size === count);
    const { items } = await client.list(events);
    return items.map(({ involvedObject, type, reason }) => `${type} ${reason} ${involvedObject.name}`).sort();
  };
  return { ...stack, create, createTorn, told };
}

describe('the SELinux warning controller', () => {
  it('tells pods that share a volume with different labels', async (test) => {
    const { create, told, events: texts } = await start(test, true);
    await create('a', 's0:c1');
    await create('b', 's0:c1');
    await create('c', 's0:c2');
    assert.deepEqual(await told(4), [
      'Normal SELinuxLabelConflict a',
      'Normal SELinuxLabelConflict b',
      'Normal SELinuxLabelConflict c',
      'Normal SELinuxLabelConflict c',
    ]);
    assert.match((await texts())[0]!, /^SELinuxLabelConflict: SELinuxLabel ":::s0:c\d" conflicts with pod /);
  });

  it('tells pods that get the label onto the volume by different ways', async (test) => {
    const { create, told } = await start(test, true);
    await create('a', 's0:c1');
    await create('b', 's0:c1', { seLinuxChangePolicy: 'Recursive' });
    assert.deepEqual(await told(4), [
      'Normal SELinuxChangePolicyConflict a',
      'Normal SELinuxChangePolicyConflict b',
      'Normal SELinuxLabelConflict a',
      'Normal SELinuxLabelConflict b',
    ]);
  });

  it('looks again once the driver can mount with labels', async (test) => {
    const { create, createTorn, told, client } = await start(test, false);
    await create('a', 's0:c1');
    await create('b', 's0:c2');
    // Every file is labelled anew for each pod, as ever: no conflict. Pods are looked at one after another.
    await createTorn();
    assert.deepEqual(await told(1), ['Warning MultipleSELinuxLabels torn']);
    const body = { spec: { seLinuxMount: true } };
    await client.patch(csiDrivers, { name: DRIVER }, { type: 'merge', body });
    // First the one pod differs from the other, which is as it was; then both are new, and differ.
    assert.deepEqual(
      new Set(await told(7)),
      new Set([
        'Normal SELinuxChangePolicyConflict a',
        'Normal SELinuxChangePolicyConflict b',
        'Normal SELinuxLabelConflict a',
        'Normal SELinuxLabelConflict b',
        'Warning MultipleSELinuxLabels torn',
      ]),
    );
  });

  it('tells a pod that mounts a volume twice with different labels', async (test) => {
    const { createTorn, told } = await start(test, true);
    await createTorn();
    assert.deepEqual(await told(1), ['Warning MultipleSELinuxLabels torn']);
  });
});
