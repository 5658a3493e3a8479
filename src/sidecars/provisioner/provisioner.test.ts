// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of secrets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { turn } from '../../base/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import {
  csiNodes,
  nodes,
  persistentVolumeClaims,
  secrets,
  storageClasses,
  volumeAttributesClasses,
} from '../../kube/index.ts';
import {
  boundClaim,
  DRIVER,
  fast,
  newClaim,
  nothingLeft,
  prepare,
  says,
  start,
} from './stack.test-support.ts';

describe('provisioner', () => {
  it('gives a volume the parameters of its VolumeAttributesClass, if that is for the driver', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    const createClass = (name: string, driverName: string) =>
      stack.client.create(volumeAttributesClasses, {
        metadata: { name },
        driverName,
        parameters: { iops: '100' },
      });
    const claimWith = (name: string, volumeAttributesClassName: string) => {
      const claim = newClaim(name);
      return { ...claim, spec: { ...claim.spec, volumeAttributesClassName } };
    };
    await createClass('gold', DRIVER);
    await createClass('foreign', 'other.example.org');
    await stack.client.create(persistentVolumeClaims, claimWith('data', 'gold'));
    const claim = await boundClaim(stack);
    assert.equal(claim.status?.currentVolumeAttributesClassName, 'gold');
    assert.equal(stack.volumes()[0]?.spec?.volumeAttributesClassName, 'gold');
    assert.deepEqual(stack.driver.created[0]?.mutableParameters, { iops: '100' });

    await stack.client.create(persistentVolumeClaims, claimWith('other', 'foreign'));
    await says(
      stack,
      `VAC foreign referenced in PVC is for driver other.example.org which does not match driver name ${DRIVER}`,
    );
    await stack.client.create(persistentVolumeClaims, claimWith('late', 'silver'));
    await says(stack, '"silver" not found');
    await createClass('silver', DRIVER);
    await boundClaim(stack, 'late');
    assert.equal(stack.driver.created.length, 2);
  });

  it('makes a volume for a claim, with five writes, and deletes it with three', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    await stack.client.create(persistentVolumeClaims, newClaim());
    const claim = await boundClaim(stack);
    const [volume] = stack.volumes();
    assert.equal(volume?.metadata.name, `pvc-${claim.metadata.uid}`);
    assert.equal(claim.spec?.volumeName, volume?.metadata.name);
    assert.equal(volume?.spec?.csi?.volumeHandle, `id-${volume?.metadata.name}`);
    assert.equal(stack.driver.created.length, 1);
    await says(stack, `ProvisioningSucceeded: Successfully provisioned volume pvc-${claim.metadata.uid}`);
    await says(stack, 'Provisioning: External provisioner is provisioning volume for claim "team/data"');
    // pv-protection is admission's to set; where it is missing, the protection controller adds it.
    const expected = [
      'update PersistentVolumeClaim',
      'create PersistentVolume',
      'update PersistentVolume/status',
      'update PersistentVolumeClaim',
      'update PersistentVolumeClaim/status',
    ];
    assert.deepEqual(
      stack.writes.filter((write) => write !== 'update PersistentVolume').sort(),
      expected.sort(),
    );
    const steps = () => stack.trace.ended('team/data').map(({ step, outcome }) => `${step} ${outcome}`);
    assert.deepEqual(steps(), ['claim ok', 'provision ok', 'bind ok']);

    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await nothingLeft(stack);
    // Who watches may hear of a deletion before the deleter has his answer.
    await turn();
    assert.equal(stack.driver.deleted.length, 1);
    assert.deepEqual(steps(), ['claim ok', 'provision ok', 'bind ok', 'delete ok']);
  });

  it('makes 100 volumes at once, each once', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    const names = Array.from({ length: 100 }, (_, index) => `data-${index}`);
    await Promise.all(names.map((name) => stack.client.create(persistentVolumeClaims, newClaim(name))));
    await stack.until('all are Bound', () =>
      names.every((name) => stack.claim(name)?.status?.phase === 'Bound'),
    );
    assert.equal(stack.driver.created.length, 100);
    await Promise.all(
      names.map((name) => stack.client.delete(persistentVolumeClaims, { namespace: 'team', name })),
    );
    await nothingLeft(stack);
    assert.equal(stack.driver.deleted.length, 100);
  });

  it('waits for the node with delayed binding, and gives the choice back when that node is full', async (test) => {
    const stack = await start(test, { topology: true });
    await prepare(stack, fast({ volumeBindingMode: 'WaitForFirstConsumer' }));
    for (const name of ['n1', 'n2']) {
      await stack.client.create(nodes, { metadata: { name, labels: { zone: `z-${name}` } } });
      await stack.client.create(csiNodes, {
        metadata: { name },
        spec: { drivers: [{ name: DRIVER, nodeID: name, topologyKeys: ['zone'] }] },
      });
    }
    stack.driver.hooks.before = (request) => {
      const zone = request.accessibilityRequirements?.preferred[0]?.segments.zone;
      if (zone === 'z-n1') throw new CsiStatus(Code.RESOURCE_EXHAUSTED, 'pool z-n1 is full');
      stack.driver.segments = { zone: zone ?? '' };
    };
    await stack.client.create(persistentVolumeClaims, newClaim());
    await says(stack, 'WaitForFirstConsumer: waiting for first consumer to be created before binding');
    assert.equal(stack.driver.created.length, 0);
    const name = { namespace: 'team', name: 'data' };
    const select = (node: string) =>
      stack.client.patch(persistentVolumeClaims, name, {
        type: 'merge',
        body: { metadata: { annotations: { 'volume.kubernetes.io/selected-node': node } } },
      });
    await select('n1');
    await says(stack, 'ProvisioningFailed: rpc error: code = ResourceExhausted desc = pool z-n1 is full');
    await stack.until(
      'the choice is given back',
      () => !stack.claim()?.metadata.annotations?.['volume.kubernetes.io/selected-node'],
    );
    await select('n2');
    await boundClaim(stack);
    const [volume] = stack.volumes();
    assert.deepEqual(volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms, [
      { matchExpressions: [{ key: 'zone', operator: 'In', values: ['z-n2'] }] },
    ]);
    assert.equal(stack.driver.created.length, 2);
  });

  it('calls again on the same node until it is certain, also when the node labels have changed', async (test) => {
    const stack = await start(test, { topology: true });
    await prepare(stack, fast({ volumeBindingMode: 'WaitForFirstConsumer' }));
    await stack.client.create(nodes, { metadata: { name: 'n1', labels: { zone: 'a' } } });
    await stack.client.create(csiNodes, {
      metadata: { name: 'n1' },
      spec: { drivers: [{ name: DRIVER, nodeID: 'n1', topologyKeys: ['zone'] }] },
    });
    stack.driver.hooks.before = async () => {
      if (stack.driver.created.length > 2) return;
      const body = { metadata: { labels: { zone: `z${stack.driver.created.length}` } } };
      await stack.client.patch(nodes, { name: 'n1' }, { type: 'merge', body });
      throw new CsiStatus(Code.DEADLINE_EXCEEDED, 'still working');
    };
    const selected = { 'volume.kubernetes.io/selected-node': 'n1' };
    await stack.client.create(persistentVolumeClaims, newClaim('data', selected));
    await boundClaim(stack);
    const zones = stack.driver.created.map(
      ({ accessibilityRequirements }) => accessibilityRequirements?.requisite[0]?.segments.zone,
    );
    assert.deepEqual(zones, ['a', 'a', 'a']);
  });

  it('leaks nothing when the claim goes while the driver works', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    stack.driver.hooks.before = async () => {
      if (stack.driver.created.length > 1) return;
      await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
      throw new CsiStatus(Code.ABORTED, 'still working');
    };
    await stack.client.create(persistentVolumeClaims, newClaim());
    await stack.until('the volume was made and deleted', () => stack.driver.deleted.length > 0);
    await nothingLeft(stack);
    assert.equal(stack.claim(), undefined);
  });

  it('leaks nothing when claim and source go while the driver works on a copy', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    const { client, driver } = stack;
    const named = (name: string) => ({ namespace: 'team', name });
    await client.create(persistentVolumeClaims, newClaim());
    await boundClaim(stack);
    driver.hooks.before = async (request) => {
      if (driver.created.length > 2) return;
      driver.volumes.set(`id-${request.name}`, request);
      for (const name of ['copy', 'data']) {
        const finalizers = { type: 'merge' as const, body: { metadata: { finalizers: null } } };
        await client.delete(persistentVolumeClaims, named(name));
        await client.patch(persistentVolumeClaims, named(name), finalizers).catch(() => undefined);
      }
      throw new CsiStatus(Code.ABORTED, 'still working');
    };
    const { metadata, spec } = newClaim('copy');
    const dataSource = { kind: 'PersistentVolumeClaim', name: 'data' };
    await client.create(persistentVolumeClaims, { metadata, spec: { ...spec, dataSource } });
    await stack.until('both volumes were deleted', () => driver.deleted.length > 1);
    await nothingLeft(stack);
  });

  it('leaks nothing when claim and VolumeAttributesClass go while the driver works', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    const { client, driver } = stack;
    const parameters = { iops: '100' };
    const metadata = { name: 'gold' };
    await client.create(volumeAttributesClasses, { metadata, driverName: DRIVER, parameters });
    driver.hooks.before = async (request) => {
      if (driver.created.length > 1) return;
      driver.volumes.set(`id-${request.name}`, request);
      await client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
      await client.delete(volumeAttributesClasses, metadata);
      throw new CsiStatus(Code.ABORTED, 'still working');
    };
    const claim = newClaim();
    const spec = { ...claim.spec, volumeAttributesClassName: 'gold' };
    await client.create(persistentVolumeClaims, { ...claim, spec });
    await stack.until('the volume was made and deleted', () => driver.deleted.length > 0);
    await nothingLeft(stack);
    assert.deepEqual(
      driver.created.map(({ mutableParameters }) => mutableParameters),
      [parameters, parameters],
    );
  });

  it('saves the object of a volume that was made, whatever it takes', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    stack.driver.hooks.before = () => stack.failCreations(3);
    await stack.client.create(persistentVolumeClaims, newClaim());
    await boundClaim(stack);
    assert.equal(stack.driver.created.length, 1);
  });

  it('passes secrets to the driver and nowhere else', async (test) => {
    const stack = await start(test);
    const parameters = {
      'csi.storage.k8s.io/provisioner-secret-name': '${pvc.name}-key',
      'csi.storage.k8s.io/provisioner-secret-namespace': '${pvc.namespace}',
    };
    await prepare(stack, fast({ parameters }));
    await stack.client.create(persistentVolumeClaims, newClaim());
    await says(
      stack,
      'ProvisioningFailed: error getting secret data-key in namespace team: secrets "data-key" not found',
    );
    const data = { password: Buffer.from('hunter22').toString('base64') };
    await stack.client.create(secrets, { metadata: { name: 'data-key', namespace: 'team' }, data });
    stack.driver.hooks.before = ({ secrets: given }) => {
      if (stack.driver.created.length === 1) throw new CsiStatus(Code.INTERNAL, `bad ${given.password}`);
    };
    await boundClaim(stack);
    assert.deepEqual(stack.driver.created.at(-1)?.secrets, { password: 'hunter22' });
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await nothingLeft(stack);
    assert.deepEqual(stack.driver.deleted[0]?.secrets, { password: 'hunter22' });
    assert.ok(!JSON.stringify([stack.told(), stack.trace.ended()]).includes('hunter22'));
  });

  it('slows down when the driver calls the request wrong, until the class is made anew', async (test) => {
    const stack = await start(test);
    await prepare(stack, fast({ parameters: { tier: 'none' } }));
    stack.driver.hooks.before = ({ parameters }) => {
      if (parameters.tier === 'none') throw new CsiStatus(Code.INVALID_ARGUMENT, 'no such tier');
    };
    await stack.client.create(persistentVolumeClaims, newClaim());
    await says(
      stack,
      'ProvisioningFailed: Volume provisioning failed with infeasible error. Retries will be delayed. ' +
        'rpc error: code = InvalidArgument desc = no such tier',
    );
    await stack.client.delete(storageClasses, { name: 'fast' });
    await stack.client.create(storageClasses, fast({ parameters: { tier: 'gold' } }));
    await boundClaim(stack);
    assert.equal(stack.driver.created.length, 2);
  });
});
