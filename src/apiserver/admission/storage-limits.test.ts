import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import {
  limitRanges,
  persistentVolumeClaims,
  pods,
  resourceQuotas,
  type StatusError,
  storageClasses,
} from '../../kube/index.ts';
import { claimNamed, type Fixture, podNamed, startRegistry } from '../registry/testing.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startRegistry();
});

/** The message of a refusal; undefined when there was none. */
const refusal = (write: Promise<unknown>) =>
  write.then(
    () => undefined,
    (error: StatusError) => `${error.code} ${error.message}`,
  );

const inDefault = (name: string) => ({ namespace: 'default', name });
const claimOf = (storage: string) => ({
  ...claimNamed('c'),
  spec: { ...claimNamed('c').spec, resources: { requests: { storage } } },
});

describe('growing a claim', () => {
  const grow = (size: string) =>
    fixture.client.patch(persistentVolumeClaims, inDefault('c'), {
      type: 'merge',
      body: { spec: { resources: { requests: { storage: size } } } },
    });
  const bind = () =>
    fixture.client.patch(
      persistentVolumeClaims,
      inDefault('c'),
      { type: 'merge', body: { status: { phase: 'Bound', capacity: { storage: '1Gi' } } } },
      { subresource: 'status' },
    );
  const make = (storageClassName?: string) =>
    fixture.client.create(persistentVolumeClaims, {
      ...claimNamed('c'),
      spec: { ...claimNamed('c').spec, storageClassName },
    });
  const ofClass = (name: string, allowVolumeExpansion?: boolean) =>
    fixture.client.create(storageClasses, { metadata: { name }, provisioner: 'p', allowVolumeExpansion });
  const NOT_ALLOWED =
    '403 persistentvolumeclaims "c" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';

  it('is for bound claims of classes that allow it', async () => {
    await ofClass('grows', true);
    await make('grows');
    // The rules of the object itself speak first: an unbound claim's size does not change.
    assert.match((await refusal(grow('2Gi'))) ?? '', /^422 .*spec is immutable after creation/s);
    await bind();
    assert.equal(await refusal(grow('2Gi')), undefined);
    assert.equal(await refusal(grow('1500Mi')), undefined);
  });

  for (const [what, allows] of [
    ['does not say', undefined],
    ['says no', false],
  ] as const) {
    it(`is refused when the class ${what}`, async () => {
      await ofClass('stays', allows);
      await make('stays');
      await bind();
      assert.equal(await refusal(grow('2Gi')), NOT_ALLOWED);
    });
  }

  it('is refused without a class, or when the class is gone', async () => {
    await make('');
    await bind();
    assert.equal(await refusal(grow('2Gi')), NOT_ALLOWED);
  });
});

describe('limit ranges', () => {
  const limit = (name: string, ...limits: object[]) =>
    fixture.client.create(limitRanges, { metadata: inDefault(name), spec: { limits: limits as never } });
  const create = (object: object) => refusal(fixture.client.create(persistentVolumeClaims, object));

  it('keep claims between their bounds', async () => {
    await limit('l', { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } });
    assert.equal(await create(claimOf('1Gi')), undefined);
    assert.equal(
      await create({ ...claimOf('512Mi'), metadata: inDefault('d') }),
      '403 persistentvolumeclaims "d" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi',
    );
    assert.equal(
      await create({ ...claimOf('3Gi'), metadata: inDefault('d') }),
      '403 persistentvolumeclaims "d" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
    );
    assert.equal(
      await create({ ...claimOf('3Gi'), metadata: { namespace: 'kube-system', name: 'd' } }),
      undefined,
    );
  });

  it('give containers what they leave out, and say so', async () => {
    await limit('l', {
      type: 'Container',
      default: { 'ephemeral-storage': '2Gi', cpu: '1' },
      defaultRequest: { 'ephemeral-storage': '1Gi' },
    });
    const pod = await fixture.client.create(
      pods,
      podNamed('p', { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '2' } } }] }),
    );
    assert.deepEqual(pod.spec?.containers[0]?.resources, {
      limits: { cpu: '2', 'ephemeral-storage': '2Gi' },
      requests: { cpu: '2', 'ephemeral-storage': '1Gi' },
    });
    assert.equal(
      pod.metadata.annotations?.['kubernetes.io/limit-ranger'],
      'LimitRanger plugin set: ephemeral-storage request for container c; ephemeral-storage limit for container c',
    );
  });

  it('bound containers and whole pods', async () => {
    await limit(
      'l',
      { type: 'Container', max: { memory: '1Gi' }, maxLimitRequestRatio: { memory: '2' } },
      { type: 'Pod', max: { memory: '1536Mi' } },
    );
    const container = (name: string, requests: object, limits: object) => ({
      name,
      image: 'i',
      resources: { requests, limits },
    });
    const pod = (...containers: object[]) =>
      refusal(fixture.client.create(pods, podNamed('p', { containers }), { dryRun: true }));
    assert.equal(
      await pod(container('a', { memory: '256Mi' }, { memory: '2Gi' })),
      '403 pods "p" is forbidden: [maximum memory usage per Container is 1Gi, but limit is 2Gi, memory max limit to request ratio per Container is 2, but provided ratio is 8.000000, maximum memory usage per Pod is 1536Mi, but limit is 2Gi]',
    );
    const fine = container('a', { memory: '1Gi' }, { memory: '1Gi' });
    assert.equal(await pod(fine), undefined);
    assert.equal(
      await pod(fine, { ...fine, name: 'b' }),
      '403 pods "p" is forbidden: maximum memory usage per Pod is 1536Mi, but limit is 2Gi',
    );
  });
});

describe('a quota', () => {
  const quota = async (hard: Record<string, string>, used: Record<string, string> | undefined, spec = {}) => {
    await fixture.client.create(resourceQuotas, { metadata: inDefault('q'), spec: { hard, ...spec } });
    const body = { status: { hard, used } };
    await fixture.client.patch(
      resourceQuotas,
      inDefault('q'),
      { type: 'merge', body },
      { subresource: 'status' },
    );
  };
  const used = async () => (await fixture.client.get(resourceQuotas, inDefault('q'))).status?.used;

  it('that nobody has counted yet lets nothing through', async () => {
    await quota({ persistentvolumeclaims: '5' }, undefined);
    assert.equal(
      await refusal(fixture.client.create(persistentVolumeClaims, claimNamed('c'))),
      '403 persistentvolumeclaims "c" is forbidden: status unknown for quota: q, resources: persistentvolumeclaims',
    );
  });

  it('is charged what a claim grows by, and nothing for a dry run', async () => {
    await fixture.client.create(storageClasses, {
      metadata: { name: 'grows' },
      provisioner: 'p',
      allowVolumeExpansion: true,
    });
    await quota({ 'requests.storage': '3Gi' }, { 'requests.storage': '0' });
    const claim = { ...claimOf('1Gi'), spec: { ...claimOf('1Gi').spec, storageClassName: 'grows' } };
    await fixture.client.create(persistentVolumeClaims, claim, { dryRun: true });
    assert.deepEqual(await used(), { 'requests.storage': '0' });
    await fixture.client.create(persistentVolumeClaims, claim);
    await fixture.client.patch(
      persistentVolumeClaims,
      inDefault('c'),
      { type: 'merge', body: { status: { phase: 'Bound', capacity: { storage: '1Gi' } } } },
      { subresource: 'status' },
    );
    const grow = (storage: string) =>
      refusal(
        fixture.client.patch(persistentVolumeClaims, inDefault('c'), {
          type: 'merge',
          body: { spec: { resources: { requests: { storage } } } },
        }),
      );
    assert.equal(await grow('2Gi'), undefined);
    assert.deepEqual(await used(), { 'requests.storage': '2Gi' });
    assert.equal(
      await grow('5Gi'),
      '403 persistentvolumeclaims "c" is forbidden: exceeded quota: q, requested: requests.storage=3Gi, used: requests.storage=2Gi, limited: requests.storage=3Gi',
    );
  });

  it('of an attributes class is about claims of that class', async () => {
    const scopeSelector = {
      matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['gold'] }],
    };
    await quota({ persistentvolumeclaims: '0' }, { persistentvolumeclaims: '0' }, { scopeSelector });
    const of = (name: string, volumeAttributesClassName?: string) =>
      refusal(
        fixture.client.create(persistentVolumeClaims, {
          ...claimNamed(name),
          spec: { ...claimNamed(name).spec, volumeAttributesClassName },
        }),
      );
    assert.equal(await of('a'), undefined);
    assert.equal(await of('b', 'silver'), undefined);
    assert.match((await of('c', 'gold')) ?? '', /exceeded quota: q, requested: persistentvolumeclaims=1/);
  });

  it('of cpu or memory wants every container to say what it needs', async () => {
    await quota(
      { 'requests.cpu': '1', 'limits.memory': '1Gi' },
      { 'requests.cpu': '0', 'limits.memory': '0' },
    );
    assert.equal(
      await refusal(fixture.client.create(pods, podNamed('p'))),
      '403 pods "p" is forbidden: failed quota: q: must specify limits.memory for: main; requests.cpu for: main',
    );
  });
});
