import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  configMaps,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isInvalid,
  isNotFound,
  leases,
  namespaces,
  persistentVolumeClaims,
  pods,
  type StatusError,
} from '../../kube/index.ts';
import { claimNamed, type Fixture, mapNamed, podNamed, startRegistry } from './testing.ts';

let fixture: Fixture;
const key = (name: string) => ({ namespace: 'default', name });
const code = (expected: number, text?: RegExp) => (error: StatusError) => {
  assert.equal(error.code, expected, error.message);
  if (text) assert.match(error.message, text);
  return true;
};

before(async () => {
  fixture = await startRegistry();
});

describe('create', () => {
  it('fills the metadata of the system', async () => {
    const pod = await fixture.client.create(pods, podNamed('filled'));
    assert.equal(pod.kind, 'Pod');
    assert.equal(pod.apiVersion, 'v1');
    assert.equal(pod.metadata.generation, 1);
    assert.equal(pod.metadata.creationTimestamp, '2026-01-01T00:00:00Z');
    assert.match(pod.metadata.uid, /^[0-9a-f-]{36}$/);
    assert.equal(pod.metadata.resourceVersion, String(fixture.registry.revision()));
    assert.ok(Object.isFrozen(pod.spec?.containers[0]));
  });

  it('makes a name from generateName', async () => {
    const map = await fixture.client.create(configMaps, {
      metadata: { namespace: 'default', generateName: 'gen-' },
    });
    assert.match(map.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('does not take what the client says about the system fields or the status', async () => {
    const claim = await fixture.client.create(persistentVolumeClaims, {
      ...claimNamed('liar'),
      metadata: {
        ...claimNamed('liar').metadata,
        uid: 'mine',
        creationTimestamp: '2000-01-01T00:00:00Z',
        generation: 7,
      },
      status: { phase: 'Bound' },
    });
    assert.notEqual(claim.metadata.uid, 'mine');
    assert.equal(claim.metadata.creationTimestamp, '2026-01-01T00:00:00Z');
    assert.equal(claim.metadata.generation, undefined);
    assert.deepEqual(claim.status, { phase: 'Pending' });
  });

  it('refuses', async () => {
    const { client } = fixture;
    await client.create(configMaps, mapNamed('taken'));
    await assert.rejects(client.create(configMaps, mapNamed('taken')), isAlreadyExists);
    await assert.rejects(
      client.create(configMaps, { metadata: { namespace: 'nowhere', name: 'a' } }),
      code(404, /^namespaces "nowhere" not found$/),
    );
    await assert.rejects(client.create(configMaps, { metadata: { name: 'a' } }), code(400, /namespace/));
    await assert.rejects(
      client.create(configMaps, { metadata: { namespace: 'default' } }),
      code(422, /metadata.name: Required value: name or generateName is required/),
    );
    await assert.rejects(
      client.create(configMaps, {
        ...mapNamed('a'),
        metadata: { ...mapNamed('a').metadata, resourceVersion: '1' },
      }),
      code(500, /^resourceVersion should not be set on objects to be created$/),
    );
    await assert.rejects(client.create(pods, { ...podNamed('a'), kind: 'Node' }), code(400));
    for (const resourceVersion of ['0', 'x'])
      await client.create(configMaps, {
        metadata: { ...mapNamed(`rv-${resourceVersion}`).metadata, resourceVersion },
      });
    for (const resourceVersion of ['x', '-1'])
      await assert.rejects(
        client.update(configMaps, { metadata: { ...mapNamed('rv-0').metadata, resourceVersion } }),
        code(500, new RegExp(`^strconv.ParseUint: parsing "${resourceVersion}": invalid syntax$`)),
      );
    await assert.rejects(
      client.create(pods, { ...podNamed('a'), apiVersion: 'v2' }),
      code(400, /does not match the expected API version \(v1\)/),
    );
  });

  it('writes nothing on a dry run', async () => {
    const revision = fixture.registry.revision();
    const map = await fixture.client.create(configMaps, mapNamed('dry'), { dryRun: true });
    assert.ok(map.metadata.uid);
    await assert.rejects(fixture.client.get(configMaps, key('dry')), isNotFound);
    assert.equal(fixture.registry.revision(), revision);
  });

  it('names unknown and repeated fields as fieldValidation asks', async () => {
    const bad = {
      ...podNamed('strict'),
      spec: { ...podNamed('x').spec, foo: 1, containers: [{ name: 'a', image: 'b', bar: 1 }] },
    };
    const user = { name: 'u', groups: [] };
    await assert.rejects(
      fixture.registry.create(pods, bad, {
        user,
        fieldValidation: 'Strict',
        duplicateFields: ['metadata.name'],
      }),
      code(
        400,
        /^Pod in version "v1" cannot be handled as a Pod: strict decoding error: duplicate field "metadata.name", unknown field "spec.containers\[0\].bar", unknown field "spec.foo"$/,
      ),
    );
    const warnings: string[] = [];
    const { object } = await fixture.registry.create(pods, bad, {
      user,
      fieldValidation: 'Warn',
      warn: (text) => warnings.push(text),
    });
    assert.deepEqual(warnings, ['unknown field "spec.containers[0].bar"', 'unknown field "spec.foo"']);
    assert.ok(!('foo' in object.spec!));
  });
});

describe('update', () => {
  it('replaces the object under a new resourceVersion', async () => {
    const a = await fixture.client.create(configMaps, { ...mapNamed('up'), data: { k: '1' } });
    const b = await fixture.client.update(configMaps, { ...a, data: { k: '2' } });
    assert.equal(b.metadata.uid, a.metadata.uid);
    assert.ok(Number(b.metadata.resourceVersion) > Number(a.metadata.resourceVersion));
    await assert.rejects(fixture.client.update(configMaps, { ...a, data: { k: '3' } }), isConflict);
    const unconditional = await fixture.client.update(configMaps, { ...mapNamed('up'), data: { k: '4' } });
    assert.deepEqual(unconditional.data, { k: '4' });
    await assert.rejects(
      fixture.client.update(configMaps, {
        ...mapNamed('up'),
        metadata: { ...mapNamed('up').metadata, uid: 'other' },
      }),
      isConflict,
    );
  });

  it('writes nothing when nothing changes', async () => {
    const a = await fixture.client.create(pods, podNamed('same'));
    const b = await fixture.client.update(pods, structuredClone(a));
    assert.equal(b, a);
  });

  it('needs a resourceVersion where upstream does', async () => {
    await fixture.client.create(leases, { metadata: { namespace: 'default', name: 'l' } });
    await assert.rejects(
      fixture.client.update(leases, {
        metadata: { namespace: 'default', name: 'l' },
        spec: { holderIdentity: 'x' },
      }),
      code(422, /metadata.resourceVersion: Invalid value: 0: must be specified for an update/),
    );
  });

  it('keeps status and spec apart', async () => {
    const a = await fixture.client.create(persistentVolumeClaims, claimNamed('apart'));
    const b = await fixture.client.update(persistentVolumeClaims, {
      ...a,
      metadata: { ...a.metadata, labels: { x: 'y' } },
      status: { phase: 'Bound' },
    });
    assert.deepEqual(b.status, { phase: 'Pending' });
    const c = await fixture.client.update(
      persistentVolumeClaims,
      { ...b, spec: { ...b.spec, volumeName: 'sneaky' }, status: { phase: 'Bound' } },
      { subresource: 'status' },
    );
    assert.deepEqual(c.status, { phase: 'Bound' });
    assert.equal(c.spec?.volumeName, undefined);
    await assert.rejects(
      fixture.client.update(configMaps, mapNamed('taken'), { subresource: 'status' }),
      code(404),
    );
  });

  it('counts generations of spec changes only', async () => {
    const a = await fixture.client.create(pods, podNamed('gen'));
    const b = await fixture.client.patch(pods, key('gen'), {
      type: 'merge',
      body: { metadata: { labels: { a: 'b' } } },
    });
    assert.equal(b.metadata.generation, 1);
    const image = { spec: { containers: [{ name: 'main', image: 'busybox:2' }] } };
    const c = await fixture.client.patch(pods, key('gen'), { type: 'strategic', body: image });
    assert.equal(c.metadata.generation, 2);
    assert.equal(a.spec?.containers[0]?.image, 'busybox:1.36');
    assert.equal(c.spec?.containers[0]?.terminationMessagePath, '/dev/termination-log');
  });

  it('does not change what is immutable', async () => {
    const a = await fixture.client.create(configMaps, mapNamed('fixed'));
    await assert.rejects(
      fixture.client.update(configMaps, { ...a, metadata: { ...a.metadata, deletionGracePeriodSeconds: 1 } }),
      isInvalid,
    );
    await assert.rejects(
      fixture.client.patch(configMaps, key('fixed'), { type: 'merge', body: { metadata: { name: 'b' } } }),
      code(400),
    );
  });
});

describe('patch', () => {
  it('takes JSON, merge and strategic patches', async () => {
    const { client } = fixture;
    await client.create(configMaps, { ...mapNamed('patched'), data: { a: '1', b: '2' } });
    const merge = await client.patch(configMaps, key('patched'), {
      type: 'merge',
      body: { data: { a: null, c: '3' } },
    });
    assert.deepEqual(merge.data, { b: '2', c: '3' });
    const json = await client.patch(configMaps, key('patched'), {
      type: 'json',
      body: [{ op: 'replace', path: '/data/b', value: 'two' }],
    });
    assert.deepEqual(json.data, { b: 'two', c: '3' });
    await assert.rejects(
      client.patch(configMaps, key('patched'), {
        type: 'json',
        body: [{ op: 'test', path: '/data/b', value: 'x' }],
      }),
      code(422),
    );
    await assert.rejects(client.patch(configMaps, key('absent'), { type: 'merge', body: {} }), isNotFound);
    await assert.rejects(
      client.patch(configMaps, key('patched'), {
        type: 'merge',
        body: { metadata: { resourceVersion: '1' } },
      }),
      isConflict,
    );
  });

  it('never loses one of many at once', async () => {
    await fixture.client.create(configMaps, mapNamed('busy'));
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        fixture.client.patch(configMaps, key('busy'), {
          type: 'merge',
          body: { data: { [`k${index}`]: 'x' } },
        }),
      ),
    );
    assert.equal(Object.keys((await fixture.client.get(configMaps, key('busy'))).data!).length, 50);
  });
});

describe('delete', () => {
  it('removes at once without finalizers, else waits for the last to go', async () => {
    const { client } = fixture;
    await client.create(configMaps, mapNamed('gone'));
    await client.delete(configMaps, key('gone'));
    await assert.rejects(client.get(configMaps, key('gone')), isNotFound);

    await client.create(persistentVolumeClaims, claimNamed('held'));
    const marked = await client.delete(persistentVolumeClaims, key('held'));
    assert.equal(marked.metadata.deletionTimestamp, '2026-01-01T00:00:00Z');
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 0);
    const again = await client.delete(persistentVolumeClaims, key('held'));
    assert.equal(again.metadata.resourceVersion, marked.metadata.resourceVersion);
    await assert.rejects(
      client.patch(persistentVolumeClaims, key('held'), {
        type: 'merge',
        body: { metadata: { finalizers: ['a/b', 'kubernetes.io/pvc-protection'] } },
      }),
      code(
        422,
        /metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted/,
      ),
    );
    await client.patch(persistentVolumeClaims, key('held'), {
      type: 'merge',
      body: { metadata: { finalizers: null } },
    });
    await assert.rejects(client.get(persistentVolumeClaims, key('held')), isNotFound);
  });

  it('gives a running pod its grace period', async () => {
    const { client } = fixture;
    await client.create(pods, podNamed('graceful', { nodeName: 'node-1' }));
    const marked = await client.delete(pods, key('graceful'));
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 30);
    assert.equal(marked.metadata.deletionTimestamp, '2026-01-01T00:00:30Z');
    assert.equal(marked.metadata.generation, 2);
    await client.delete(pods, key('graceful'), { gracePeriodSeconds: 0 });
    await assert.rejects(client.get(pods, key('graceful')), isNotFound);
    await client.create(pods, podNamed('unscheduled'));
    await client.delete(pods, key('unscheduled'), { gracePeriodSeconds: 30 });
    await assert.rejects(client.get(pods, key('unscheduled')), isNotFound);
  });

  it('honours preconditions and propagation policies', async () => {
    const { client } = fixture;
    await client.create(configMaps, mapNamed('owner'));
    await assert.rejects(
      client.delete(configMaps, key('owner'), { preconditions: { uid: 'other' } }),
      isConflict,
    );
    const marked = await client.delete(configMaps, key('owner'), { propagationPolicy: 'Foreground' });
    assert.deepEqual(marked.metadata.finalizers, ['foregroundDeletion']);
    assert.ok(marked.metadata.deletionTimestamp);
  });

  it('deletes a selection', async () => {
    const { client } = fixture;
    for (const name of ['c1', 'c2', 'c3'])
      await client.create(configMaps, mapNamed(name, { group: name === 'c3' ? 'b' : 'a' }));
    await client.deleteCollection(configMaps, { namespace: 'default', labelSelector: 'group=a' });
    const left = await client.list(configMaps, { labelSelector: 'group' });
    assert.deepEqual(
      left.items.map((one) => one.metadata.name),
      ['c3'],
    );
  });

  it('keeps a namespace until it is finalized, and takes nothing new into it', async () => {
    const { client } = fixture;
    await client.create(namespaces, { metadata: { name: 'temp' } });
    const marked = await client.delete(namespaces, { name: 'temp' });
    assert.equal(marked.status?.phase, 'Terminating');
    await assert.rejects(
      client.create(configMaps, { metadata: { namespace: 'temp', name: 'x' } }),
      isForbidden,
    );
    await client.update(namespaces, { ...marked, spec: {} }, { subresource: 'finalize' });
    await assert.rejects(client.get(namespaces, { name: 'temp' }), isNotFound);
    await assert.rejects(client.delete(namespaces, { name: 'default' }), isForbidden);
  });
});

describe('pods/binding', () => {
  const bind = (name: string, node: string) =>
    fixture.client.createSubresource(pods, key(name), 'binding', {
      metadata: { name },
      target: { kind: 'Node', name: node },
    });

  it('assigns a node once', async () => {
    await fixture.client.create(pods, podNamed('bound'));
    const answer = await bind('bound', 'node-1');
    assert.equal((answer as { status: string }).status, 'Success');
    const pod = await fixture.client.get(pods, key('bound'));
    assert.equal(pod.spec?.nodeName, 'node-1');
    assert.equal(pod.metadata.generation, 2);
    assert.deepEqual(pod.status?.conditions, [
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ]);
    await assert.rejects(
      bind('bound', 'node-2'),
      code(
        409,
        /^Operation cannot be fulfilled on pods\/binding "bound": pod bound is already assigned to node "node-1"$/,
      ),
    );
    await assert.rejects(bind('absent', 'node-1'), isNotFound);
  });

  it('refuses what names no node or another pod, in the words of kube-apiserver', async () => {
    const { uid, resourceVersion } = (await fixture.client.create(pods, podNamed('free'))).metadata;
    const storage = (what: string, asked: string, found: string) =>
      `Operation cannot be fulfilled on pods "free": StorageError: invalid object, Code: 4, ` +
      `Key: /registry/pods/default/free, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ` +
      `${what} in precondition: ${asked}, ${what} in object meta: ${found}`;
    const target = { kind: 'Node', name: 'n' };
    const metadata = { name: 'free' };
    const refusals: readonly [object, number, string][] = [
      [{ metadata: { name: 'other' }, target }, 400, 'name in URL does not match name in Binding object'],
      [{ target }, 400, 'name in URL does not match name in Binding object'],
      [{ metadata, target: { kind: 'Node' } }, 500, 'target.name: Required value'],
      [
        { metadata, target: { kind: 'Pod' } },
        500,
        '[target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>", target.name: Required value]',
      ],
      [{ metadata: { ...metadata, uid: 'x' }, target }, 409, storage('UID', 'x', uid)],
      [
        { metadata: { ...metadata, resourceVersion: '1' }, target },
        409,
        storage('ResourceVersion', '1', resourceVersion),
      ],
    ];
    for (const [body, status, message] of refusals) {
      await assert.rejects(fixture.client.createSubresource(pods, key('free'), 'binding', body), (error) => {
        const found = (error as StatusError).status;
        assert.deepEqual([found.code, found.message], [status, message]);
        return true;
      });
    }
    assert.equal((await fixture.client.get(pods, key('free'))).spec?.nodeName, undefined);
    const right = { metadata: { name: 'free', uid, resourceVersion }, target: { name: 'n' } };
    await fixture.client.createSubresource(pods, key('free'), 'binding', right);
    assert.equal((await fixture.client.get(pods, key('free'))).spec?.nodeName, 'n');
  });
});
