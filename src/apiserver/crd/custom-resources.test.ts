import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isNotFound, type StatusError } from '../../kube/index.ts';
import { SYSTEM } from '../registry/bootstrap.ts';
import { startRegistry } from '../registry/testing.ts';
import { crds, V1, V1BETA1, versionOf, type Widget, widget, widgetCrd, widgets } from './fixtures.ts';
import { scaleLack } from './scale.ts';
import type { Crd, JSONSchema } from './types.ts';
import { validateValue } from './validate.ts';

const one = { namespace: 'default', name: 'one' };
const failure = (code: number, text: RegExp) => (error: unknown) => {
  assert.equal((error as StatusError).code, code);
  assert.match((error as Error).message, text);
  return true;
};

async function startWith(crd: Crd = widgetCrd()) {
  const fixture = await startRegistry();
  await fixture.client.create(crds, crd);
  return fixture;
}

describe('a custom resource', () => {
  it('keeps its kind and version in a patch', async () => {
    const { client } = await startWith();
    await client.create(widgets(), widget('one', { color: 'red' }));
    const patch = (body: object) => client.patch(widgets(), one, { type: 'merge', body });
    await assert.rejects(
      patch({ kind: 'Gadget' }),
      failure(422, /Gadget.*"one" is invalid: kind: Invalid value: "Gadget": must be Widget$/),
    );
    await assert.rejects(
      patch({ apiVersion: 'example.com/v2' }),
      failure(422, /apiVersion: Invalid value: "example\.com\/v2": must be example\.com\/v1$/),
    );
  });

  it('says what it is, also when a patch has been at it', async () => {
    const { client } = await startWith();
    await client.create(widgets(), widget('one', { color: 'red' }));
    const patch = (body: object) => client.patch(widgets(), one, { type: 'merge', body });
    await assert.rejects(
      patch({ kind: null }),
      failure(
        422,
        /^ "" is invalid: patch: Invalid value: ".*": Object 'Kind' is missing in '\{"apiVersion".*\}'$/,
      ),
    );
    await assert.rejects(
      patch({ apiVersion: null }),
      failure(
        500,
        /^Internal error occurred: Object 'apiVersion' is missing in 'object has no apiVersion field'$/,
      ),
    );
  });

  it('may have a finalizer of any name, with a warning', async () => {
    const { registry } = await startWith();
    const said: string[] = [];
    const definition = registry.find('example.com', 'v1', 'widgets')!;
    const object = { ...widget('one', { color: 'red' }), metadata: { ...one, finalizers: ['plain', 'a.b'] } };
    await registry.create(definition, object, { ...SYSTEM, warn: (text: string) => said.push(text) });
    assert.deepEqual(said, [
      'metadata.finalizers: "plain": prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers',
      'metadata.finalizers: "a.b": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers',
    ]);
  });

  it('has no Scale while nothing says how many there are to be', () => {
    const paths = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
    assert.equal(scaleLack(widget('one', { replicas: 0 }), paths), undefined);
    assert.equal(scaleLack(widget('one', {}), paths), '.spec.replicas');
  });

  it('is told of the alternative that had the most to check', () => {
    const needs = (name: string, check: JSONSchema): JSONSchema => ({
      required: [name],
      properties: { [name]: check },
    });
    const schema = { oneOf: [needs('a', { minLength: 3 }), needs('b', { minimum: 5 })] };
    const fields = (value: unknown) => validateValue(schema, value, 'x').map(({ field }) => field);
    assert.deepEqual(fields({}), ['<nil>', 'x.a']);
    assert.deepEqual(fields({ b: 1 }), ['<nil>', 'x.b']);
    assert.deepEqual(fields({ a: 'x', b: 1 }), ['<nil>', 'x.b']);
  });
});

describe('a CustomResourceDefinition', () => {
  it('is served as soon as it is made, with its status told', async () => {
    const { registry, client } = await startWith();
    assert.equal(registry.find('example.com', 'v1', 'widgets')?.kind, 'Widget');
    const { status } = await client.get(crds, { name: 'widgets.example.com' });
    assert.deepEqual(status?.storedVersions, ['v1']);
    assert.deepEqual(
      status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
      [
        ['NamesAccepted', 'True', 'NoConflicts'],
        ['Established', 'True', 'InitialNamesAccepted'],
      ],
    );
    assert.deepEqual(status?.acceptedNames?.singular, 'widget');
  });

  it('waits for names that another has, and gets them when that goes', async () => {
    const { client } = await startWith();
    const names = { plural: 'gadgets', kind: 'Gadget', shortNames: ['wd'] };
    await client.create(crds, {
      ...widgetCrd({ names, versions: [V1] }),
      metadata: { name: 'gadgets.example.com' },
    });
    const gadgets = async () =>
      (await client.get(crds, { name: 'gadgets.example.com' })).status?.conditions?.[0];
    assert.deepEqual(
      [(await gadgets())?.reason, (await gadgets())?.message],
      ['ShortNamesConflict', '"wd" is already in use'],
    );
    const gone = new AbortController();
    const watched = client.watch(crds, { resourceVersion: '1', signal: gone.signal });
    await client.delete(crds, { name: 'widgets.example.com' });
    for await (const { type, object } of watched) {
      const accepted = object.status?.conditions?.find((one) => one.type === 'NamesAccepted');
      if (
        type === 'MODIFIED' &&
        object.metadata.name === 'gadgets.example.com' &&
        accepted?.status === 'True'
      )
        break;
    }
    gone.abort();
    assert.equal((await gadgets())?.status, 'True');
  });

  it('takes its objects with it when it goes, and ends who watches them', async () => {
    const { registry, client } = await startWith();
    await client.create(widgets(), {
      ...widget('one', { color: 'red' }),
      metadata: { ...one, finalizers: ['a/b'] },
    });
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { type } of client.watch(widgets())) seen.push(type);
    })();
    await client.delete(crds, { name: 'widgets.example.com' });
    const { metadata, status } = await client.get(crds, { name: 'widgets.example.com' });
    assert.deepEqual(metadata.finalizers, ['customresourcecleanup.apiextensions.k8s.io']);
    assert.equal(status?.conditions?.find(({ type }) => type === 'Terminating')?.status, 'True');
    await assert.rejects(
      client.create(widgets(), widget('two', { color: 'red' })),
      failure(403, /"two" is forbidden: create not allowed while custom resource definition is terminating/),
    );
    const patch = { type: 'merge', body: { metadata: { finalizers: null } } } as const;
    await client.patch(widgets(), one, patch);
    await watching;
    assert.equal(seen.at(-1), 'DELETED');
    assert.equal(registry.find('example.com', 'v1', 'widgets'), undefined);
    await assert.rejects(client.list(widgets()), isNotFound);
  });

  it('keeps what its kind and scope are once it is established', async () => {
    const { client } = await startWith();
    const crd = await client.get(crds, { name: 'widgets.example.com' });
    await assert.rejects(
      client.update(crds, { ...crd, spec: { ...crd.spec, scope: 'Cluster' } }),
      failure(422, /spec\.scope: Invalid value: "Cluster": field is immutable/),
    );
  });
});

describe('a custom resource', () => {
  it('loses what its schema does not know and gets its defaults', async () => {
    const { client } = await startWith();
    const made = await client.create(
      widgets(),
      widget('one', { color: 'red', bogus: 1, free: { x: 1 }, ports: [{ port: 1 }] }),
    );
    assert.deepEqual(made.spec, {
      color: 'red',
      free: { x: 1 },
      ports: [{ port: 1, protocol: 'TCP' }],
      replicas: 1,
    });
  });

  it('is refused or warned of unknown fields as the request wants', async () => {
    const { client } = await startWith();
    await assert.rejects(
      client.create(widgets(), widget('one', { color: 'red', bogus: 1 }), { fieldValidation: 'Strict' }),
      failure(400, /strict decoding error: unknown field "spec\.bogus"/),
    );
  });

  it('counts generations, but not for metadata and status', async () => {
    const { client } = await startWith();
    const generation = async () => (await client.get(widgets(), one)).metadata.generation;
    await client.create(widgets(), { ...widget('one', { color: 'red' }), status: { phase: 'x' } });
    assert.equal((await client.get(widgets(), one)).status, undefined);
    await client.patch(widgets(), one, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } });
    assert.equal(await generation(), 1);
    const status = { spec: { color: 'green' }, status: { phase: 'ok' }, metadata: { labels: { a: 'c' } } };
    await client.patch(widgets(), one, { type: 'merge', body: status }, { subresource: 'status' });
    const now = await client.get(widgets(), one);
    assert.deepEqual(
      [now.spec, now.status, now.metadata.labels, now.metadata.generation],
      [{ color: 'red', replicas: 1 }, { phase: 'ok' }, { a: 'b' }, 1],
    );
    await client.patch(widgets(), one, { type: 'merge', body: { spec: { color: 'green' } } });
    assert.equal(await generation(), 2);
  });

  it('scales by the paths of its definition, within its rules', async () => {
    const { client } = await startWith();
    await client.create(widgets(), widget('one', { color: 'red' }));
    const scale = { type: 'merge', body: { spec: { replicas: 3 } } } as const;
    await client.patch(widgets(), one, scale, { subresource: 'scale' });
    const now = await client.get(widgets(), one);
    assert.deepEqual([now.spec, now.metadata.generation], [{ color: 'red', replicas: 3 }, 2]);
    await assert.rejects(
      client.patch(widgets(), one, { ...scale, body: { spec: { replicas: 11 } } }, { subresource: 'scale' }),
      failure(
        422,
        /spec\.replicas: Invalid value: 11: spec\.replicas in body should be less than or equal to 10/,
      ),
    );
  });

  it('is one object in all its versions', async () => {
    const { registry, client } = await startWith();
    await client.create(widgets(), widget('one', { color: 'red' }));
    const old = await client.get(widgets('v1beta1'), one);
    assert.deepEqual([old.apiVersion, old.spec], ['example.com/v1beta1', { color: 'red' }]);
    const same = await client.patch(widgets('v1beta1'), one, { type: 'merge', body: {} });
    assert.equal(same.metadata.resourceVersion, old.metadata.resourceVersion);
    assert.equal(registry.list(widgets('v1beta1')).entries[0]?.object.apiVersion, 'example.com/v1beta1');
    assert.equal((await client.get(widgets(), one)).apiVersion, 'example.com/v1');
  });

  it('shows the defaults of a schema that came after it', async () => {
    const { client } = await startWith();
    await client.create(widgets(), widget('one', { color: 'red' }));
    const crd = await client.get(crds, { name: 'widgets.example.com' });
    const schema = V1.schema!.openAPIV3Schema!;
    const spec = schema.properties!.spec!;
    const grown = { ...spec, properties: { ...spec.properties, size: { type: 'string', default: 'big' } } };
    const version = {
      ...V1,
      schema: { openAPIV3Schema: { ...schema, properties: { ...schema.properties, spec: grown } } },
    };
    await client.update(crds, { ...crd, spec: { ...crd.spec, versions: [version, V1BETA1] } });
    assert.equal(((await client.get(widgets(), one)).spec as { size: string }).size, 'big');
  });

  it('may keep what a newer schema forbids', async () => {
    const { client } = await startWith(
      widgetCrd({
        versions: [
          versionOf({ type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } }),
        ],
      }),
    );
    await client.create(widgets(), widget('one', { a: 'long' }));
    const crd = await client.get(crds, { name: 'widgets.example.com' });
    const strict = versionOf({
      type: 'object',
      properties: { a: { type: 'string', maxLength: 1 }, b: { type: 'string' } },
    });
    await client.update(crds, { ...crd, spec: { ...crd.spec, versions: [strict] } });
    await client.patch(widgets(), one, { type: 'merge', body: { spec: { b: 'x' } } });
    await assert.rejects(
      client.patch(widgets(), one, { type: 'merge', body: { spec: { a: 'longer' } } }),
      failure(422, /spec\.a: Too long: may not be more than 1 bytes/),
    );
  });

  it('is applied by the keys of its lists, and not by strategic merge', async () => {
    const { client } = await startWith();
    const apply = (spec: object, fieldManager: string) =>
      client.patch(
        widgets(),
        one,
        {
          type: 'apply',
          body: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: one, spec },
        },
        { fieldManager },
      );
    await apply({ color: 'red', ports: [{ port: 1 }], tags: ['x'] }, 'a');
    const both = await apply({ ports: [{ port: 2 }], tags: ['y'] }, 'b');
    assert.deepEqual(both.spec, {
      color: 'red',
      ports: [
        { port: 1, protocol: 'TCP' },
        { port: 2, protocol: 'TCP' },
      ],
      replicas: 1,
      tags: ['x', 'y'],
    });
    await assert.rejects(apply({ color: 'green' }, 'b'), failure(409, /conflict with "a": \.spec\.color/));
    await assert.rejects(
      client.patch(widgets(), one, { type: 'strategic', body: {} }),
      failure(415, /accepted media types include: application\/json-patch\+json/),
    );
  });

  it('is found by its selectable fields', async () => {
    const { client } = await startWith();
    await client.create(widgets(), widget('one', { color: 'red' }));
    const names = async (fieldSelector: string) =>
      (await client.list<Widget>(widgets(), { fieldSelector })).items.map(({ metadata }) => metadata.name);
    assert.deepEqual(await names('spec.color=red'), ['one']);
    assert.deepEqual(await names('spec.color=green'), []);
    await assert.rejects(names('spec.size=1'), failure(400, /field label not supported: spec\.size/));
  });
});
