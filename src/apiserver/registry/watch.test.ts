import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { turn } from '../../base/index.ts';
import type { WatchOptions } from '../../client/index.ts';
import {
  type ConfigMap,
  configMaps,
  isExpired,
  isNotFound,
  pods,
  StatusError,
  type Stored,
  type WatchEvent,
} from '../../kube/index.ts';
import { type Fixture, mapNamed, podNamed, startRegistry } from './testing.ts';

const key = (name: string) => ({ namespace: 'default', name });

/** Follows config maps until `stop`, which resolves with everything seen. */
function follow({ client }: Fixture, options: WatchOptions) {
  const controller = new AbortController();
  const seen: WatchEvent<Stored<ConfigMap>>[] = [];
  const done = (async () => {
    for await (const event of client.watch(configMaps, { ...options, signal: controller.signal }))
      seen.push(event);
  })();
  return {
    seen,
    done,
    async stop() {
      await turn();
      controller.abort();
      await done;
      return seen.map((event) => `${event.type} ${event.object.metadata.name}`);
    },
  };
}

const label = (fixture: Fixture, name: string, value: string | null) =>
  fixture.client.patch(configMaps, key(name), {
    type: 'merge',
    body: { metadata: { labels: { app: value } } },
  });

describe('watch', () => {
  it('shows the present state first when it has no revision', async () => {
    const fixture = await startRegistry();
    await fixture.client.create(configMaps, mapNamed('b'));
    await fixture.client.create(configMaps, mapNamed('a'));
    const watch = follow(fixture, {});
    await turn();
    await fixture.client.create(configMaps, mapNamed('c'));
    assert.deepEqual(await watch.stop(), ['ADDED a', 'ADDED b', 'ADDED c']);
  });

  it('turns a change out of the selection into DELETED and one into it into ADDED', async () => {
    const fixture = await startRegistry();
    const watch = follow(fixture, { labelSelector: 'app=x' });
    await turn();
    await fixture.client.create(configMaps, mapNamed('m'));
    await label(fixture, 'm', 'x');
    await fixture.client.patch(configMaps, key('m'), { type: 'merge', body: { data: { k: 'v' } } });
    const out = await label(fixture, 'm', 'y');
    await label(fixture, 'm', 'x');
    await fixture.client.delete(configMaps, key('m'));
    assert.deepEqual(await watch.stop(), ['ADDED m', 'MODIFIED m', 'DELETED m', 'ADDED m', 'DELETED m']);
    const left = watch.seen[2]!.object;
    assert.deepEqual(left.metadata.labels, { app: 'x' });
    assert.equal(left.metadata.resourceVersion, out.metadata.resourceVersion);
  });

  it('sends bookmarks each minute when asked, and one before its time limit', async () => {
    const fixture = await startRegistry();
    const watch = follow(fixture, {
      allowWatchBookmarks: true,
      resourceVersion: String(fixture.registry.revision()),
      timeoutSeconds: 150,
    });
    await turn();
    await fixture.client.create(pods, {
      metadata: { namespace: 'default', name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await fixture.clock.advance(60_000);
    await fixture.clock.advance(60_000);
    await turn();
    assert.equal(watch.seen.length, 2);
    await fixture.clock.advance(28_000);
    await turn();
    assert.equal(watch.seen.length, 3);
    await fixture.clock.advance(2_000);
    await watch.done;
    assert.ok(watch.seen.every((event) => event.type === 'BOOKMARK'));
    assert.equal(watch.seen[0]!.object.metadata.resourceVersion, String(fixture.registry.revision()));
    assert.equal(fixture.clock.pending, 0);
  });

  it('marks the end of the present state, without a revision and where it is asked for', async () => {
    const fixture = await startRegistry();
    const made = await fixture.client.create(configMaps, mapNamed('a'));
    const after = { resourceVersion: made.metadata.resourceVersion, allowWatchBookmarks: true };
    const cases: [WatchOptions, string[]][] = [
      [{ allowWatchBookmarks: true }, ['ADDED', 'BOOKMARK']],
      [{ allowWatchBookmarks: true, resourceVersion: '0' }, ['ADDED', 'BOOKMARK']],
      [{ ...after, sendInitialEvents: true }, ['ADDED', 'BOOKMARK']],
      [{ sendInitialEvents: true, resourceVersion: '1' }, ['ADDED']],
      [{ ...after, sendInitialEvents: false }, []],
      [{ allowWatchBookmarks: true, sendInitialEvents: false }, []],
      [{ allowWatchBookmarks: true, sendInitialEvents: false, resourceVersion: '0' }, []],
    ];
    for (const [options, expected] of cases) {
      const watch = follow(fixture, options);
      await watch.stop();
      const types = watch.seen.map((event) => event.type);
      assert.deepEqual(types, expected, JSON.stringify(options));
      const last = watch.seen.find((event) => event.type === 'BOOKMARK')?.object.metadata;
      if (!last) continue;
      assert.deepEqual(last.annotations, { 'k8s.io/initial-events-end': 'true' });
      assert.equal(last.resourceVersion, made.metadata.resourceVersion);
    }
  });

  it('waits for a revision that is not reached yet, but three seconds at most for its state', async () => {
    const fixture = await startRegistry();
    const ahead = String(fixture.registry.revision() + 2);
    const changes = follow(fixture, { resourceVersion: ahead });
    const state = follow(fixture, { resourceVersion: ahead, sendInitialEvents: true });
    await turn();
    assert.equal(state.seen.length, 0);
    for (const name of ['a', 'b', 'c']) await fixture.client.create(configMaps, mapNamed(name));
    assert.deepEqual(await changes.stop(), ['ADDED c']);
    assert.deepEqual(await state.stop(), ['ADDED a', 'ADDED b', 'ADDED c']);

    const never = follow(fixture, { resourceVersion: '999', sendInitialEvents: true });
    const failed = assert.rejects(never.done, { message: /^Timeout: Too large resource version: 999/ });
    await turn();
    await fixture.clock.advance(3_000);
    await failed;
  });

  it('ends at its time limit', async () => {
    const fixture = await startRegistry();
    const watch = follow(fixture, { timeoutSeconds: 5 });
    await turn();
    await fixture.clock.advance(5_000);
    await watch.done;
  });

  it('is refused, or ended, once its revision has left the window', async () => {
    const fixture = await startRegistry({ logCapacity: 4 });
    const first = await fixture.client.create(configMaps, mapNamed('a'));
    const reader = fixture.registry.watch(configMaps, { resourceVersion: first.metadata.resourceVersion });
    for (let index = 0; index < 10; index++) await fixture.client.create(configMaps, mapNamed(`x${index}`));
    assert.throws(
      () => fixture.registry.watch(configMaps, { resourceVersion: first.metadata.resourceVersion }),
      isExpired,
    );
    await assert.rejects(async () => {
      for await (const _ of reader) break;
    }, isExpired);
    assert.throws(
      () => fixture.registry.watch(configMaps, { resourceVersion: 'x' }),
      (error: StatusError) => error.code === 400,
    );
  });

  it('replayed on a list gives the next list, whatever happens and whatever it selects', async () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd');
    const steps = fc.array(
      fc.record({ name: names, op: fc.constantFrom('create', 'in', 'out', 'delete', 'nothing') }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.nat(25),
        fc.constantFrom(undefined, 'app=x', 'app!=x'),
        async (all, cut, labelSelector) => {
          const fixture = await startRegistry();
          const run = async (some: typeof all) => {
            for (const { name, op } of some) {
              await apply(fixture, name, op).catch((error) => {
                if (!(error instanceof StatusError)) throw error;
              });
            }
          };
          await run(all.slice(0, cut));
          const start = await fixture.client.list(configMaps, { labelSelector });
          const watch = follow(fixture, { labelSelector, resourceVersion: start.metadata.resourceVersion });
          await turn();
          await run(all.slice(cut));
          await watch.stop();
          const replayed = new Map(start.items.map((one) => [one.metadata.name, one]));
          for (const { type, object } of watch.seen) {
            const { name } = object.metadata;
            assert.equal(type === 'ADDED', !replayed.has(name), `${type} ${name}`);
            if (type === 'DELETED') replayed.delete(name);
            else replayed.set(name, object);
          }
          const end = await fixture.client.list(configMaps, { labelSelector });
          assert.deepEqual(
            [...replayed.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
            end.items,
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

function apply(fixture: Fixture, name: string, op: string): Promise<unknown> {
  switch (op) {
    case 'create':
      return fixture.client.create(configMaps, mapNamed(name));
    case 'in':
      return label(fixture, name, 'x');
    case 'out':
      return label(fixture, name, null);
    case 'delete':
      return fixture.client.delete(configMaps, key(name));
    default:
      return Promise.resolve();
  }
}

describe('list', () => {
  it('shows one state over all its pages, whatever is written between them', async () => {
    const fixture = await startRegistry();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f'])
      await fixture.client.create(configMaps, mapNamed(name));
    const whole = await fixture.client.list(configMaps);
    const first = await fixture.client.list(configMaps, { limit: 2 });
    assert.equal(first.metadata.remainingItemCount, 4);
    await fixture.client.delete(configMaps, key('c'));
    await fixture.client.create(configMaps, mapNamed('bb'));
    await label(fixture, 'e', 'x');
    const items = [...first.items];
    let next = first.metadata.continue;
    while (next) {
      const page = await fixture.client.list(configMaps, { limit: 2, continue: next });
      assert.equal(page.metadata.resourceVersion, whole.metadata.resourceVersion);
      items.push(...page.items);
      next = page.metadata.continue;
    }
    assert.deepEqual(items, whole.items);
    const exact = await fixture.client.list(configMaps, {
      resourceVersion: whole.metadata.resourceVersion,
      resourceVersionMatch: 'Exact',
    });
    assert.deepEqual(exact.items, whole.items);
  });

  it('keeps namespaces apart and in order', async () => {
    const fixture = await startRegistry();
    for (const namespace of ['kube-system', 'default']) {
      for (const name of ['b', 'a'])
        await fixture.client.create(configMaps, { metadata: { namespace, name } });
    }
    const all = await fixture.client.list(configMaps);
    assert.deepEqual(
      all.items.map((one) => `${one.metadata.namespace}/${one.metadata.name}`),
      ['default/a', 'default/b', 'kube-system/a', 'kube-system/b'],
    );
    assert.equal((await fixture.client.list(configMaps, { namespace: 'default' })).items.length, 2);
    assert.equal((await fixture.client.list(configMaps, { namespace: 'def' })).items.length, 0);
  });

  it('selects by name and by other fields', async () => {
    const fixture = await startRegistry();
    for (const name of ['a', 'b']) await fixture.client.create(configMaps, mapNamed(name));
    const names = async (fieldSelector: string, namespace?: string) =>
      (await fixture.client.list(configMaps, { fieldSelector, namespace })).items.map(
        (one) => one.metadata.name,
      );
    assert.deepEqual(await names('metadata.name=b', 'default'), ['b']);
    assert.deepEqual(await names('metadata.name=b'), ['b']);
    assert.deepEqual(await names('metadata.name!=b', 'default'), ['a']);
    assert.deepEqual(await names('metadata.name=z', 'default'), []);
    assert.deepEqual(await names('metadata.namespace=default,metadata.name=a'), ['a']);
  });

  it('finds the pods of a node by an index, whatever becomes of them', async () => {
    const fixture = await startRegistry();
    const onNode = async (name: string) =>
      (await fixture.client.list(pods, { fieldSelector: `spec.nodeName=${name}` })).items.map(
        (one) => one.metadata.name,
      );
    const make = (name: string, nodeName?: string) =>
      fixture.client.create(pods, podNamed(name, { nodeName, terminationGracePeriodSeconds: 0 }));
    await make('b', 'n1');
    await make('a', 'n1');
    await make('other', 'n2');
    assert.deepEqual(await onNode('n1'), ['a', 'b']);
    await make('late');
    const target = { metadata: { name: 'late' }, target: { name: 'n1' } };
    await fixture.client.createSubresource(pods, key('late'), 'binding', target);
    await fixture.client.delete(pods, key('a'), { gracePeriodSeconds: 0 });
    assert.deepEqual(await onNode('n1'), ['b', 'late']);
    assert.deepEqual(await onNode('n3'), []);
    const elsewhere = { namespace: 'kube-system', fieldSelector: 'spec.nodeName=n1' };
    assert.equal((await fixture.client.list(pods, elsewhere)).items.length, 0);
  });

  it('answers 410 for pages past the window, 504 for a revision not reached, 400 for nonsense', async () => {
    const fixture = await startRegistry({ logCapacity: 2 });
    let next = '';
    for (const name of ['a', 'b', 'c']) await fixture.client.create(configMaps, mapNamed(name));
    const page = await fixture.client.list(configMaps, { limit: 1 });
    for (let index = 0; index < 6; index++) await label(fixture, 'a', `v${index}`);
    const goOn = { limit: 1, continue: page.metadata.continue };
    await assert.rejects(fixture.client.list(configMaps, goOn), (error: StatusError) => {
      assert.ok(isExpired(error));
      const { continue: fresh } = error.status.metadata as { continue: string };
      next = fresh;
      return true;
    });
    const rest = await fixture.client.list(configMaps, { limit: 1, continue: next });
    assert.deepEqual(
      rest.items.map((one) => one.metadata.name),
      ['b'],
    );
    assert.equal(rest.metadata.resourceVersion, String(fixture.registry.revision()));
    await assert.rejects(
      fixture.client.list(configMaps, { ...goOn, resourceVersion: '1', continue: next }),
      /specifying resource version is not allowed when using continue/,
    );
    await assert.rejects(
      fixture.client.list(configMaps, { resourceVersion: '1', limit: 1 }),
      /The resourceVersion for the provided list is too old/,
    );
    assert.equal((await fixture.client.list(configMaps, { resourceVersion: '0', limit: 1 })).items.length, 3);
    const failsWith = (code: number) => (error: StatusError) => error.code === code;
    await assert.rejects(fixture.client.list(configMaps, { resourceVersion: '9999' }), failsWith(504));
    await assert.rejects(fixture.client.list(configMaps, { continue: 'x' }), failsWith(400));
    await assert.rejects(fixture.client.list(configMaps, { fieldSelector: 'spec.x=1' }), failsWith(400));
    await assert.rejects(fixture.client.list(configMaps, { labelSelector: 'a in (' }), failsWith(400));
    await assert.rejects(fixture.client.get(configMaps, key('z')), isNotFound);
  });
});
