import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  configMaps,
  type KubeObject,
  persistentVolumeClaims,
  pods,
  type Resource,
} from '../../../kube/index.ts';
import { type Fixture, startRegistry } from '../testing.ts';

const NAME = { namespace: 'default', name: 'data' };
type Config = Record<string, unknown>;
type AnyObject = KubeObject & {
  readonly data?: Record<string, string>;
  readonly spec?: Config;
  readonly status?: Config;
};

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startRegistry();
});

const map = (data: Config | undefined, metadata: Config = {}): Config => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'data', ...metadata },
  ...(data && { data }),
});

const apply = (
  config: unknown,
  fieldManager: string,
  options: { force?: boolean; resource?: Resource; subresource?: string; dryRun?: boolean } = {},
) => {
  const { resource = configMaps, ...rest } = options;
  return fixture.client.patch(
    resource,
    NAME,
    { type: 'apply', body: config },
    { fieldManager, ...rest },
  ) as Promise<AnyObject>;
};

const owners = ({ metadata }: KubeObject) =>
  Object.fromEntries(
    (metadata?.managedFields ?? []).map(({ manager, operation, subresource, fieldsV1 }) => [
      `${manager} ${operation}${subresource ? ` ${subresource}` : ''}`,
      fieldsV1,
    ]),
  );

describe('server-side apply', () => {
  it('makes an object that is not there and owns what it names', async () => {
    const made = await apply(map({ a: '1' }, { labels: { x: 'y' } }), 'one');
    assert.deepEqual(made.data, { a: '1' });
    assert.equal(made.metadata!.namespace, 'default');
    assert.deepEqual(owners(made), {
      'one Apply': { 'f:data': { 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } },
    });
    const [entry] = made.metadata!.managedFields!;
    assert.equal(entry!.apiVersion, 'v1');
    assert.equal(entry!.fieldsType, 'FieldsV1');
  });

  it('changes nothing when applied again, not even later', async () => {
    const made = await apply(map({ a: '1' }), 'one');
    await fixture.clock.advance(60_000);
    const again = await apply(map({ a: '1' }), 'one');
    assert.equal(again, made);
  });

  it('sets the time when it changes something', async () => {
    const made = await apply(map({ a: '1' }), 'one');
    await fixture.clock.advance(60_000);
    const changed = await apply(map({ a: '2' }), 'one');
    assert.notEqual(changed.metadata!.managedFields![0]!.time, made.metadata!.managedFields![0]!.time);
  });

  it('removes what its applier names no more and nobody else owns', async () => {
    await apply(map({ a: '1', b: '1', c: '1' }), 'one');
    await apply(map({ b: '1' }), 'two');
    const left = await apply(map({ a: '1' }), 'one');
    assert.deepEqual(left.data, { a: '1', b: '1' });
    assert.deepEqual(owners(left), {
      'one Apply': { 'f:data': { 'f:a': {} } },
      'two Apply': { 'f:data': { 'f:b': {} } },
    });
  });

  it('fails when it would change what another owns, naming both', async () => {
    await apply(map({ a: '1', b: '1' }), 'one');
    await assert.rejects(apply(map({ a: '2' }), 'two'), (error: Error & { status?: Config }) => {
      assert.match(error.message, /Apply failed with 1 conflict: conflict with "one": \.data\.a$/);
      const { code, reason, details } = (error.status ?? error) as {
        code: number;
        reason: string;
        details: Config;
      };
      assert.deepEqual([code, reason], [409, 'Conflict']);
      assert.deepEqual(details.causes, [
        { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' },
      ]);
      return true;
    });
    await assert.rejects(
      apply(map({ a: '2', b: '2' }), 'two'),
      /Apply failed with 2 conflicts: conflicts with "one":\n- \.data\.a\n- \.data\.b$/,
    );
  });

  it('takes over with force', async () => {
    await apply(map({ a: '1', b: '1' }), 'one');
    const forced = await apply(map({ a: '2' }), 'two', { force: true });
    assert.deepEqual(forced.data, { a: '2', b: '1' });
    assert.deepEqual(owners(forced), {
      'one Apply': { 'f:data': { 'f:b': {} } },
      'two Apply': { 'f:data': { 'f:a': {} } },
    });
  });

  it('shares what two apply alike', async () => {
    await apply(map({ a: '1' }), 'one');
    await apply(map({ a: '1' }), 'two');
    assert.equal((await apply(map(undefined), 'one')).data?.a, '1');
    assert.equal((await apply(map(undefined), 'two')).data, undefined);
  });

  it('is refused for another kind, another name, managedFields and unknown fields, and then makes nothing', async () => {
    const cases: [Config, RegExp][] = [
      [{ ...map({}), kind: 'Secret' }, /invalid object type: \/v1, Kind=Secret/],
      [
        map({}, { name: 'other' }),
        /name of the object \(other\) does not match the name on the URL \(data\)/,
      ],
      [map({}, { name: undefined }), /name must be provided/],
      [map({}, { managedFields: [] }), /metadata\.managedFields must be nil/],
      [
        { ...map({}), dota: {} },
        /failed to create typed patch object \(\/data; \/v1, Kind=ConfigMap\): \.dota: field not declared in schema/,
      ],
      [
        map({}, { uid: 'u' }),
        /uid mismatch: the provided object specified uid u, and no existing object was found/,
      ],
    ];
    for (const [config, message] of cases) await assert.rejects(apply(config, 'one'), message);
    await assert.rejects(fixture.client.get(configMaps, NAME), /not found/);
  });

  it('writes nothing with dryRun', async () => {
    assert.equal((await apply(map({ a: '1' }), 'one', { dryRun: true })).data?.a, '1');
    await assert.rejects(fixture.client.get(configMaps, NAME), /not found/);
  });

  it('merges keyed lists by key and sets by value', async () => {
    const pod = (containers: Config[], finalizers: string[]) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'data', finalizers },
      spec: { containers },
    });
    const resource = pods as Resource;
    await apply(pod([{ name: 'a', image: 'a', ports: [{ containerPort: 80 }] }], ['x/one']), 'one', {
      resource,
    });
    const forTwo = pod([{ name: 'a', image: 'b' }], ['x/two']);
    await assert.rejects(
      apply(forTwo, 'two', { resource }),
      /conflict with "one": \.spec\.containers\[name="a"\]\.image$/,
    );
    const both = await apply(forTwo, 'two', { resource, force: true });
    assert.deepEqual(both.metadata!.finalizers, ['x/one', 'x/two']);
    const fields = owners(both)['one Apply'] as unknown as Record<
      string,
      Record<string, Record<string, Config>>
    >;
    assert.deepEqual(fields['f:spec']!['f:containers']!['k:{"name":"a"}'], {
      '.': {},
      'f:name': {},
      'f:ports': {
        'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
      },
    });
    assert.deepEqual((fields['f:metadata'] as Config)['f:finalizers'], { 'v:"x/one"': {} });
  });

  it('owns of /status what it applies there, under its subresource', async () => {
    const resource = persistentVolumeClaims as Resource;
    const claim = (rest: Config) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      ...rest,
    });
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await apply(claim({ spec, status: { phase: 'Lost' } }), 'one', { resource });
    const next = await apply(claim({ spec: { volumeName: 'x' }, status: { phase: 'Lost' } }), 'one', {
      resource,
      subresource: 'status',
    });
    assert.equal(next.status?.phase, 'Lost');
    assert.equal(next.spec?.volumeName, undefined);
    assert.deepEqual(owners(next), {
      'one Apply': {
        'f:spec': { 'f:accessModes': {}, 'f:resources': { 'f:requests': { 'f:storage': {} } } },
      },
      'one Apply status': { 'f:status': { 'f:phase': {} } },
    });
  });

  it('takes nothing from others by an empty map, which is not stored', async () => {
    await apply(map({}), 'one');
    const both = await apply(map({}), 'two');
    assert.deepEqual(Object.keys(owners(both)).sort(), ['one Apply', 'two Apply']);
  });

  it('applied twice is the same as once, whoever was there before', async () => {
    const data = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'));
    const config = fc.tuple(data, fc.constantFrom('one', 'two', 'three'));
    await fc.assert(
      fc.asyncProperty(fc.array(config, { minLength: 1, maxLength: 6 }), async (configs) => {
        fixture = await startRegistry();
        for (const [data, manager] of configs) {
          const once = await apply(map(data), manager, { force: true });
          await fixture.clock.advance(1_500);
          assert.equal(await apply(map(data), manager, { force: true }), once);
          for (const [name, value] of Object.entries(data)) assert.equal(once.data?.[name], value);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('managedFields of other writes', () => {
  const update = (object: object, fieldManager: string) =>
    fixture.client.update(configMaps, object as never, { fieldManager }) as unknown as Promise<AnyObject>;
  const create = (object: object, fieldManager?: string) =>
    fixture.client.create(configMaps, { ...object, ...{ metadata: { ...NAME } } } as never, {
      fieldManager,
    }) as unknown as Promise<AnyObject>;

  it('makes who changes a field its owner', async () => {
    const made = await create({ data: { a: '1', b: '1' } }, 'maker');
    assert.deepEqual(owners(made), { 'maker Update': { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } } });
    const changed = await update({ ...made, data: { a: '2', b: '1' } }, 'editor');
    assert.deepEqual(owners(changed), {
      'editor Update': { 'f:data': { 'f:a': {} } },
      'maker Update': { 'f:data': { '.': {}, 'f:b': {} } },
    });
    await assert.rejects(apply(map({ a: '3' }), 'one'), /conflict with "editor" using v1: \.data\.a$/);
    const removed = await update({ ...changed, data: { b: '1' } }, 'editor');
    assert.deepEqual(owners(removed), { 'maker Update': { 'f:data': { '.': {}, 'f:b': {} } } });
  });

  it('takes from an applier what another changes; the next apply is a conflict', async () => {
    const made = await apply(map({ a: '1' }), 'one');
    await update({ ...made, data: { a: '2' } }, 'editor');
    await assert.rejects(apply(map({ a: '1' }), 'one'), /conflict with "editor" using v1: \.data\.a$/);
  });

  it('tracks what components made from its first apply on', async () => {
    const made = await create({ data: { a: '1' } });
    assert.equal(made.metadata!.managedFields, undefined);
    await assert.rejects(
      apply(map({ a: '2' }), 'one'),
      /conflict with "before-first-apply" using v1: \.data\.a$/,
    );
    const applied = await apply(map({ b: '1' }), 'one');
    assert.deepEqual(Object.keys(owners(applied)).sort(), ['before-first-apply Update', 'one Apply']);
  });

  for (const entries of [[], [{}]])
    it(`forgets every owner with managedFields: ${JSON.stringify(entries)}`, async () => {
      const made = await apply(map({ a: '1' }), 'one');
      const reset = await update({ ...made, metadata: { ...made.metadata, managedFields: entries } }, 'two');
      assert.equal(reset.metadata!.managedFields, undefined);
      assert.deepEqual(reset.data, { a: '1' });
    });

  it('keeps owners when an update does not send them or sends what is not valid', async () => {
    const made = await apply(map({ a: '1' }), 'one');
    for (const managedFields of [undefined, [{ manager: 'x', operation: 'Steal' }]]) {
      const same = await update({ ...made, metadata: { ...made.metadata, managedFields } }, 'two');
      assert.equal(same, made);
    }
  });

  it('takes owners that an update hands over by hand', async () => {
    const made = await create({ data: { a: '1' } }, 'kubectl-client-side-apply');
    const entries = made.metadata!.managedFields!.map((entry) => ({
      ...entry,
      manager: 'kubectl',
      operation: 'Apply',
    }));
    const next = await update({ ...made, metadata: { ...made.metadata, managedFields: entries } }, 'x');
    assert.deepEqual(Object.keys(owners(next)), ['kubectl Apply']);
  });

  it('merges the oldest updaters past ten into one', async () => {
    let object = await create({ data: { a: '0' } }, 'maker');
    for (let i = 1; i <= 14; i++) {
      await fixture.clock.advance(2_000);
      object = await update({ ...object, data: { ...object.data, [`k${i}`]: '1' } }, `m${i}`);
    }
    const names = object.metadata!.managedFields!.map(({ manager }) => manager);
    assert.equal(names.length, 10);
    assert.ok(names.includes('ancient-changes'));
    assert.ok(names.includes('m14'));
    assert.ok(!names.includes('maker'));
  });

  it('lets kubectl take over from client-side apply what is as it was applied', async () => {
    const config = map({ a: '1', b: '1' });
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(config) };
    await fixture.client.create(configMaps, { ...config, metadata: { ...NAME, annotations } } as never, {
      fieldManager: 'kubectl-client-side-apply',
    });
    await assert.rejects(
      apply(map({ a: '2', b: '1' }), 'other'),
      /"kubectl-client-side-apply" using v1: \.data\.a/,
    );
    const next = await apply(map({ a: '2', b: '1' }), 'kubectl');
    assert.deepEqual(next.data, { a: '2', b: '1' });
    const last = next.metadata!.annotations!['kubectl.kubernetes.io/last-applied-configuration']!;
    assert.equal(JSON.parse(last).data.a, '2');
  });
});
