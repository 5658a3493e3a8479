import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isBeingDeleted, persistentVolumeClaims, pods, storageClasses } from '../../kube/index.ts';
import type { FunctionPopulation } from './index.ts';
import {
  claimOf,
  FAST,
  FINALIZER,
  type Hello,
  hellos,
  name,
  PREFIX,
  reference,
  start,
} from './test-support.ts';

describe('a volume populator', () => {
  it('fills a volume by a pod, gives it to the claim, and leaves nothing else', async (t) => {
    const { hello, make, until, prime, pod, end, claim, volumes, told, metrics, events } = await start(t);
    await hello();
    const { metadata } = await make();
    const other = await until('the prime claim', prime);
    assert.deepEqual(other.spec?.resources, { requests: { storage: '1Gi' } });
    assert.deepEqual(
      [other.spec?.storageClassName, other.spec?.accessModes, other.spec?.dataSourceRef],
      ['fast', ['ReadWriteOnce'], undefined],
    );
    const { spec, metadata: of } = await until('the pod', pod);
    assert.equal(of.name, `populate-${metadata.uid}`);
    const [container] = spec!.containers;
    assert.deepEqual(
      [container?.name, container?.image, container?.args, container?.imagePullPolicy, spec?.restartPolicy],
      ['populate', 'hello:1', ['file', 'hi'], 'IfNotPresent', 'Never'],
    );
    assert.deepEqual(
      container?.volumeMounts?.filter(({ name: one }) => one === 'target').map(({ mountPath }) => mountPath),
      ['/mnt'],
    );
    assert.deepEqual(spec?.volumes?.find(({ name: one }) => one === 'target')?.persistentVolumeClaim, {
      claimName: other.metadata.name,
    });
    assert.ok(claim()?.metadata.finalizers?.includes(FINALIZER));
    const filled = await until('its volume', () => prime()?.spec?.volumeName);
    await end('Succeeded');
    await until('the claim with its volume', () => claim()?.status?.phase === 'Bound');
    assert.equal(claim()?.spec?.volumeName, filled);
    assert.equal(volumes.get(filled)?.metadata.annotations?.[`${PREFIX}/populated-from`], 'default/world');
    await until(
      'the clean-up',
      () => !pod() && !prime() && !claim()?.metadata.finalizers?.includes(FINALIZER),
    );
    assert.equal(volumes.size, 1);
    assert.deepEqual(await told('PopulatorCreated'), ['PopulatorCreated: Populator started']);
    assert.deepEqual(await told('PopulatorFinished'), ['PopulatorFinished: Populator finished']);
    assert.match(metrics.text(), /^volume_populator_operation_seconds_count\{result="success"\} 1$/m);
    assert.match(metrics.text(), /^volume_populator_operations_in_flight 0$/m);
    assert.ok(
      (await events()).every((one) => !one.includes('ailed')),
      (await events()).join('\n'),
    );
  });

  it('fills a block device, on the node where the first pod is to run', async (t) => {
    const { client, hello, make, until, claim, prime, pod } = await start(t, {}, { without: ['class'] });
    await client.create(storageClasses, { ...FAST, volumeBindingMode: 'WaitForFirstConsumer' });
    await hello();
    await make(claimOf({ volumeMode: 'Block' }));
    await until('the claim', claim);
    await client.patch(persistentVolumeClaims, name, {
      type: 'merge',
      body: { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n2' } } },
    });
    const { spec } = await until('the pod', pod);
    const [container] = spec!.containers;
    assert.deepEqual(
      [spec?.nodeName, container?.args, container?.volumeDevices],
      ['n2', ['device', 'hi'], [{ name: 'target', devicePath: '/dev/block' }]],
    );
    assert.equal(prime()?.metadata.annotations?.['volume.kubernetes.io/selected-node'], 'n2');
    assert.equal(prime()?.spec?.volumeMode, 'Block');
  });

  it('tells of a source that is missing, and waits for it and for the class', async (t) => {
    const { client, hello, make, until, claim, pod, told } = await start(t, {}, { without: ['class'] });
    await make();
    await until('the claim', claim);
    while ((await told('PopulatorDataSourceNotFound')).length === 0) await turn();
    assert.deepEqual(await told('PopulatorDataSourceNotFound'), [
      'PopulatorDataSourceNotFound: Data source default/world not found',
    ]);
    await hello();
    await client.create(storageClasses, FAST);
    await until('the pod', pod);
  });

  it('makes a pod that has failed anew, and tells why it failed', async (t) => {
    const { hello, make, until, pod, end, told } = await start(t);
    await hello();
    await make();
    const first = await end('Failed', 'no space');
    await until('another pod', () => pod() && pod()?.metadata.uid !== first);
    assert.deepEqual(await told('PopulatorFailed'), ['PopulatorFailed: Populator failed: no space']);
  });

  it('leaves other claims alone', async (t) => {
    const { client, hello, make, until, pod } = await start(t);
    await hello();
    const of = (more: object, meta: object) => ({ ...claimOf(more), metadata: { ...name, ...meta } });
    await make(of({}, { namespace: 'populators', name: 'inside' }));
    await make(of({ dataSourceRef: { ...reference, kind: 'Bye' } }, { name: 'kind' }));
    await make(of({ dataSourceRef: { ...reference, apiGroup: 'example.com' } }, { name: 'group' }));
    await make(of({ dataSourceRef: undefined }, { name: 'plain' }));
    await make();
    await until('the pod', pod);
    const { items } = await client.list(persistentVolumeClaims, { namespace: 'populators' });
    assert.equal(items.filter(({ metadata }) => metadata.name.startsWith('prime-')).length, 1);
  });

  it('lets the prime claim be changed, and tells when that fails', async (t) => {
    let tries = 0;
    const { hello, make, until, prime, told } = await start(t, {
      mutatePrime(prime, storageClass) {
        if (tries++ === 0) throw new Error(`not with ${storageClass?.metadata.name}`);
        return { ...prime, spec: { ...prime.spec, accessModes: ['ReadWriteMany'] } };
      },
    });
    await hello();
    await make();
    assert.deepEqual((await until('the prime claim', prime)).spec?.accessModes, ['ReadWriteMany']);
    assert.deepEqual(await told('reasonPVCPrimeMutatorError'), [
      'reasonPVCPrimeMutatorError: Failed to mutate populator pvcPrime: not with fast',
    ]);
  });
});

describe('a claim that is deleted while it is being filled', () => {
  type Started = Awaited<ReturnType<typeof start>>;
  const moments: [when: string, reach: (s: Started) => Promise<unknown>][] = [
    ['before its source is there', async ({ until, claim }) => until('the claim', claim)],
    [
      'once it is protected',
      async ({ hello, until, claim }) => {
        await hello();
        await until('the finalizer', () => claim()?.metadata.finalizers?.includes(FINALIZER));
      },
    ],
    [
      'once its prime claim is there',
      async ({ hello, until, prime }) => {
        await hello();
        await until('the prime claim', prime);
      },
    ],
    [
      'while the pod runs',
      async ({ hello, end }) => {
        await hello();
        await end('Running');
      },
    ],
    [
      'after the pod, and after its source',
      async ({ client, hello, until, prime, end }) => {
        await hello();
        await until('the volume', () => prime()?.spec?.volumeName);
        await client.delete(hellos, { namespace: 'default', name: 'world' });
        await client.delete(storageClasses, { name: 'fast' });
        await end('Succeeded');
      },
    ],
    [
      'once it is bound',
      async ({ hello, until, end, claim }) => {
        await hello();
        await end('Succeeded');
        await until('the claim with its volume', () => claim()?.spec?.volumeName);
      },
    ],
  ];
  for (const [when, reach] of moments)
    it(`${when}: nothing is left`, async (t) => {
      const started = await start(t);
      await started.make();
      await reach(started);
      const running = started.pod();
      await started.remove();
      // What a kubelet does with the containers of a pod that is deleted.
      if (running?.status?.phase === 'Running') {
        await started.until('the end of the pod', () => !started.pod() || isBeingDeleted(started.pod()!));
        await started.client
          .delete(pods, { namespace: 'populators', name: running.metadata.name }, { gracePeriodSeconds: 0 })
          .catch(() => undefined);
      }
      await started.nothingLeft();
    });
});

describe('a populator by functions', () => {
  it('begins when the prime claim is bound, asks until all is there, and cleans up', async (t) => {
    const calls: string[] = [];
    let looks = 0;
    const functions: FunctionPopulation = {
      async populate({ prime, source }) {
        if (calls.length === 0) {
          calls.push('refused');
          throw new Error('not yet');
        }
        if (calls.at(-1) !== 'populate')
          calls.push(`${(source as Hello).spec.text} ${prime?.spec?.volumeName !== undefined}`, 'populate');
      },
      async isComplete() {
        return ++looks >= 3;
      },
      async cleanUp({ claim }) {
        if (calls.at(-1) !== 'clean up') calls.push(claim.metadata.name, 'clean up');
      },
    };
    const { hello, make, until, claim, prime, told, pod, remove, nothingLeft } = await start(t, {
      by: { functions },
    });
    await hello();
    await make();
    await until('the claim with its volume', () => claim()?.status?.phase === 'Bound');
    await until('the clean-up', () => !prime() && !claim()?.metadata.finalizers?.includes(FINALIZER));
    assert.deepEqual(calls, ['refused', 'hi true', 'populate', 'data', 'clean up']);
    assert.ok(looks >= 3);
    assert.equal(pod(), undefined);
    assert.deepEqual(await told('PopulateOperationStartError'), [
      'PopulateOperationStartError: Failed to start populate operation: not yet',
    ]);
    assert.equal((await told('PopulateOperationFinished')).length, 1);
    await remove();
    await nothingLeft();
  });

  it('tells when it cannot say whether all is there', async (t) => {
    let looks = 0;
    const functions: FunctionPopulation = {
      async isComplete() {
        if (++looks === 1) throw new Error('nobody answers');
        return true;
      },
    };
    const { hello, make, until, claim, told } = await start(t, { by: { functions } });
    await hello();
    await make();
    await until('the claim with its volume', () => claim()?.status?.phase === 'Bound');
    assert.deepEqual(await told('PopulateOperationFailed'), [
      'PopulateOperationFailed: Population operation failed: nobody answers',
    ]);
  });
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
