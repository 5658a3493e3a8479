import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '../../../base/index.ts';
import { Code, CsiStatus, type csi, serveInMemory } from '../../../csi/index.ts';
import {
  type CSIStorageCapacity,
  csiStorageCapacities,
  namespaces,
  type OwnerReference,
  type StorageClass,
  storageClasses,
} from '../../../kube/index.ts';
import { startStack } from '../../../testing/component-stack.ts';
import type { TopologyTerm } from '../topology-term.ts';
import { CapacityController, type Segments } from './capacity-controller.ts';
import { newCapacity } from './capacity-object.ts';

const DRIVER = 'test-driver';
const NAMESPACE = 'testns';
const GI = 1n << 30n;
const MI = 1n << 20n;
const OWNER: OwnerReference = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  name: 'test-driver',
  uid: '309cd460-2d62-4f40-bbcf-b7765aac5a6d',
  controller: true,
};
const MANAGEMENT = { driver: DRIVER, managedBy: 'external-provisioner', namespace: NAMESPACE, owner: OWNER };
const FOO: TopologyTerm = [['layer0', 'foo']];
const BAR: TopologyTerm = [['layer0', 'bar']];

/** A storage with so much room in each place; a class may take a multiple of it for granted. */
class Storage {
  readonly room = new Map<string, bigint>([
    ['foo', GI],
    ['bar', 2n * GI],
  ]);
  maximum: bigint | undefined;
  readonly asked: string[] = [];
  failures = 0;

  readonly #waiting: { question: string; resolve: () => void }[] = [];

  /** Resolves once the driver was asked so: `CLASS PLACE`. */
  wasAsked(question: string): Promise<void> {
    if (this.asked.includes(question)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ question, resolve });
    });
  }

  readonly service = {
    getCapacity: async ({ parameters, accessibleTopology }: csi.GetCapacityRequest) => {
      const place = accessibleTopology?.segments.layer0 ?? '';
      this.asked.push(`${parameters.name ?? ''} ${place}`);
      for (const { question, resolve } of this.#waiting) if (this.asked.includes(question)) resolve();
      if (this.failures-- > 0) throw new CsiStatus(Code.UNAVAILABLE, 'not now');
      const availableCapacity = (this.room.get(place) ?? 0n) * BigInt(parameters.times ?? 1);
      return { availableCapacity, ...(this.maximum && { maximumVolumeSize: this.maximum }) };
    },
  };
}

/** Segments that tests change. */
class TestSegments implements Segments {
  readonly informers = {};
  readonly #listeners = new Set<() => void>();
  #segments: readonly TopologyTerm[];

  constructor(segments: readonly TopologyTerm[]) {
    this.#segments = segments;
  }

  list() {
    return this.#segments;
  }

  onChange(changed: () => void) {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  set(...segments: readonly TopologyTerm[]) {
    this.#segments = segments;
    for (const changed of this.#listeners) changed();
  }
}

interface World {
  readonly segments?: readonly TopologyTerm[];
  readonly classes?: readonly string[];
  /** Objects that are there before: `CLASS PLACE MEBIBYTES`. */
  readonly before?: readonly string[];
  readonly ownerBefore?: OwnerReference | undefined;
  readonly managedBefore?: string;
  readonly owner?: OwnerReference | undefined;
  readonly immediateBinding?: boolean;
  readonly clock?: FakeClock;
}

async function world(test: TestContext, options: World = {}) {
  const stack = await startStack(test, {
    watch: [csiStorageCapacities],
    ...(options.clock && { clock: options.clock }),
  });
  const { client, context, until } = stack;
  await client.create(namespaces, { metadata: { name: NAMESPACE } });
  const addClass = (name: string, parameters: Record<string, string> = {}) =>
    client.create(storageClasses, {
      metadata: { name },
      provisioner: name.startsWith('other') ? 'other' : DRIVER,
      volumeBindingMode: name.startsWith('immediate') ? 'Immediate' : 'WaitForFirstConsumer',
      parameters: { name, ...(name.startsWith('triple') && { times: '3' }), ...parameters },
    } as StorageClass);
  for (const name of options.classes ?? []) await addClass(name);
  const owner = 'owner' in options ? options.owner : OWNER;
  const management = { ...MANAGEMENT, owner };
  const addObject = (text: string) => {
    const [storageClass = '', place = '', mebibytes = ''] = text.split(' ');
    const item = { storageClass, segment: [['layer0', place]] as const };
    const capacity = { availableCapacity: BigInt(mebibytes) * MI, maximumVolumeSize: undefined };
    const as = {
      ...management,
      owner: 'ownerBefore' in options ? options.ownerBefore : owner,
      managedBy: options.managedBefore ?? management.managedBy,
    };
    return client.create(csiStorageCapacities, newCapacity(as, item, capacity));
  };
  for (const text of options.before ?? []) await addObject(text);
  const storage = new Storage();
  const segments = new TestSegments(options.segments ?? []);
  const identity = { name: DRIVER, vendorVersion: '1' };
  const served = serveInMemory(
    { identity, controller: storage.service },
    { clock: context.clock, log: context.log },
  );
  const csiClient = served.connect();
  test.after(() => csiClient.close());
  const capacities = context.informers.of(csiStorageCapacities);
  /** `CLASS PLACE CAPACITY [MAXIMUM]`. */
  const now = () =>
    [...capacities.values()]
      .map(({ storageClassName, nodeTopology, capacity, maximumVolumeSize }) =>
        [storageClassName, nodeTopology?.matchLabels?.layer0, capacity, maximumVolumeSize]
          .filter(Boolean)
          .join(' '),
      )
      .sort();
  const controllers: CapacityController[] = [];
  return {
    ...stack,
    storage,
    segments,
    addClass,
    addObject,
    now,
    objects: () => [...capacities.values()],
    counts: () => controllers.at(-1)?.counts,
    /** Until these are there, and no others. */
    settled: (...expected: readonly string[]) =>
      until(`objects ${expected.join(', ')}`, () => {
        const found = now();
        return found.length === expected.length && found.every((one, at) => one === [...expected].sort()[at]);
      }),
    start() {
      const controller = new CapacityController(context, {
        csi: csiClient,
        management,
        segments,
        timeoutMs: 60_000,
        pollIntervalMs: 60_000,
        threads: 1,
        immediateBinding: options.immediateBinding ?? false,
        backoff: { initialMs: 5, maxMs: 50 },
      });
      controllers.push(controller);
      const stop = stack.run({ name: 'capacity', start: (signal) => controller.run(signal) });
      return { controller, stop };
    },
  };
}

const byName = (a: CSIStorageCapacity, b: CSIStorageCapacity) =>
  (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;

describe('CSIStorageCapacity objects', () => {
  it('carry the labels and the owner, a generated name, and what the driver told', async (test) => {
    const { start, storage, settled, objects } = await world(test, { segments: [FOO], classes: ['late'] });
    storage.maximum = MI;
    start();
    await settled('late foo 1Gi 1Mi');
    const [{ metadata, ...object } = assert.fail()] = objects();
    assert.match(metadata.name, /^csisc-\w+$/);
    assert.equal(metadata.namespace, NAMESPACE);
    assert.deepEqual(metadata.labels, {
      'csi.storage.k8s.io/drivername': DRIVER,
      'csi.storage.k8s.io/managed-by': 'external-provisioner',
    });
    assert.deepEqual(metadata.ownerReferences, [OWNER]);
    assert.deepEqual(object, {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIStorageCapacity',
      storageClassName: 'late',
      nodeTopology: { matchLabels: { layer0: 'foo' } },
      capacity: '1Gi',
      maximumVolumeSize: '1Mi',
    });
  });

  const GOAL = (goal: number) => ({ goal, current: goal, obsolete: 0 });
  const steady: [what: string, given: World, expected: readonly string[]][] = [
    ['without an owner', { segments: [FOO], classes: ['late'], owner: undefined }, ['late foo 1Gi']],
    [
      'of classes that bind immediately where they are wanted',
      { segments: [FOO], classes: ['immediate'], immediateBinding: true },
      ['immediate foo 1Gi'],
    ],
    [
      'of two classes in two segments',
      { segments: [FOO, BAR], classes: ['direct', 'triple', 'other', 'immediate'] },
      ['direct bar 2Gi', 'direct foo 1Gi', 'triple bar 6Gi', 'triple foo 3Gi'],
    ],
    [
      'brought up to date',
      {
        segments: [FOO, BAR],
        classes: ['direct', 'triple'],
        before: ['direct foo 1', 'triple foo 3', 'direct bar 2', 'triple bar 6'],
      },
      ['direct bar 2Gi', 'direct foo 1Gi', 'triple bar 6Gi', 'triple foo 3Gi'],
    ],
    [
      'two added, two removed, two changed',
      {
        segments: [FOO, BAR],
        classes: ['direct', 'triple'],
        before: ['old-direct foo 1', 'old-triple foo 3', 'direct bar 2', 'triple bar 6'],
      },
      ['direct bar 2Gi', 'direct foo 1Gi', 'triple bar 6Gi', 'triple foo 3Gi'],
    ],
  ];
  for (const [what, given, expected] of steady)
    it(what, async (test) => {
      const { start, settled, counts } = await world(test, given);
      start();
      await settled(...expected);
      assert.deepEqual(counts(), GOAL(expected.length));
    });

  it('are used again as they are', async (test) => {
    const { start, settled, objects, addObject, storage } = await world(test, {
      segments: [FOO, BAR],
      classes: ['late'],
      before: ['late bar 1'],
    });
    const same = await addObject('late foo 1024');
    start();
    await settled('late bar 2Gi', 'late foo 1Gi');
    assert.deepEqual(
      objects().find(({ metadata }) => metadata.name === same.metadata.name),
      same,
    );
    await storage.wasAsked('late foo');
  });

  it('get an owner where they had none, and keep one where none is wanted', async (test) => {
    const added = await world(test, {
      segments: [FOO],
      classes: ['late'],
      before: ['late foo 1024'],
      ownerBefore: undefined,
    });
    added.start();
    await added.until(
      'the owner',
      () => added.objects()[0]?.metadata.ownerReferences?.[0]?.uid === OWNER.uid,
    );
    assert.deepEqual(added.now(), ['late foo 1Gi']);

    const kept = await world(test, {
      segments: [FOO],
      classes: ['late'],
      before: ['late foo 1'],
      ownerBefore: OWNER,
      owner: undefined,
    });
    kept.start();
    await kept.settled('late foo 1Gi');
    assert.deepEqual(kept.objects()[0]?.metadata.ownerReferences, [OWNER]);
  });

  it('go with their class, and with their segment', async (test) => {
    const { start, settled, client, segments, storage } = await world(test, {
      segments: [FOO],
      classes: ['late', 'immediate'],
      before: ['gone foo 1', 'late bar 1'],
    });
    start();
    await settled('late foo 1Gi');
    segments.set(BAR);
    await settled('late bar 2Gi');
    segments.set(BAR, FOO);
    await settled('late bar 2Gi', 'late foo 1Gi');
    await client.delete(storageClasses, { name: 'late' });
    await settled();
    assert.ok(storage.asked.every((one) => one.startsWith('late')));
  });

  it('of others are left alone', async (test) => {
    const { start, settled, objects, counts } = await world(test, {
      segments: [FOO],
      classes: ['late'],
      before: ['late foo 7', 'gone foo 7'],
      managedBefore: 'somebody',
    });
    const before = objects().sort(byName);
    start();
    await settled('gone foo 7Mi', 'late foo 7Mi', 'late foo 1Gi');
    assert.deepEqual(counts(), GOAL(1));
    assert.deepEqual(
      objects()
        .filter(({ metadata }) => metadata.labels?.['csi.storage.k8s.io/managed-by'] === 'somebody')
        .sort(byName),
      before,
    );
  });

  it('are made anew when somebody deletes them or takes their labels, and mended when somebody makes them', async (test) => {
    const { start, settled, objects, client, addObject, until, now } = await world(test, {
      segments: [FOO],
      classes: ['late'],
    });
    start();
    await settled('late foo 1Gi');
    const [first = assert.fail()] = objects();
    await client.delete(csiStorageCapacities, { namespace: NAMESPACE, name: first.metadata.name });
    const second = await until('another one', () =>
      objects().find(({ metadata }) => metadata.uid !== first.metadata.uid),
    );
    const { name } = second.metadata;
    await client.patch(
      csiStorageCapacities,
      { namespace: NAMESPACE, name },
      { type: 'merge', body: { metadata: { labels: null } } },
    );
    await settled('late foo 1Gi', 'late foo 1Gi');
    // The one that nobody manages any more stays.
    assert.ok(objects().some(({ metadata }) => metadata.name === name));
    // A second one for the same is too many; one for nothing, too.
    await addObject('late foo 3');
    await addObject('never foo 4');
    await settled('late foo 1Gi', 'late foo 1Gi');
    assert.deepEqual(now(), ['late foo 1Gi', 'late foo 1Gi']);
  });

  it('follow the driver: by the clock, by its class, by its place', async (test) => {
    const clock = new FakeClock();
    const { start, settled, storage, addClass, client } = await world(test, {
      segments: [FOO, BAR],
      classes: ['direct', 'triple'],
      clock,
    });
    const { controller } = start();
    await settled('direct bar 2Gi', 'direct foo 1Gi', 'triple bar 6Gi', 'triple foo 3Gi');

    storage.room.set('foo', 4n * GI);
    await clock.advance(60_000);
    await settled('direct bar 2Gi', 'direct foo 4Gi', 'triple bar 6Gi', 'triple foo 12Gi');

    storage.room.set('foo', GI).set('bar', GI);
    const term = (place: string) => ({
      matchExpressions: [{ key: 'layer0', operator: 'In', values: [place] }],
    });
    const volume = (place: string) => ({
      spec: { nodeAffinity: { required: { nodeSelectorTerms: [term(place)] } } },
    });
    controller.volumeChanged(volume('nowhere'), 'direct');
    controller.volumeChanged(volume('bar'), 'direct');
    await settled('direct bar 1Gi', 'direct foo 4Gi', 'triple bar 3Gi', 'triple foo 12Gi');

    controller.volumeChanged({}, 'no-such-class');
    controller.volumeChanged({}, 'direct');
    await settled('direct bar 1Gi', 'direct foo 1Gi', 'triple bar 3Gi', 'triple foo 12Gi');

    controller.volumeFailed('triple');
    await settled('direct bar 1Gi', 'direct foo 1Gi', 'triple bar 3Gi', 'triple foo 3Gi');

    // A class made anew may have other parameters.
    await client.delete(storageClasses, { name: 'triple' });
    await addClass('triple', { times: '5' });
    await settled('direct bar 1Gi', 'direct foo 1Gi', 'triple bar 5Gi', 'triple foo 5Gi');
  });

  it('come once the driver has answered', async (test) => {
    const { start, settled, storage } = await world(test, { segments: [FOO], classes: ['late'] });
    storage.failures = 3;
    start();
    await settled('late foo 1Gi');
    assert.ok(storage.asked.length >= 4);
  });

  it('are found again by the next provisioner', async (test) => {
    const { start, settled, objects, segments } = await world(test, {
      segments: [FOO, BAR],
      classes: ['late'],
    });
    const { stop } = start();
    await settled('late bar 2Gi', 'late foo 1Gi');
    const before = objects().sort(byName);
    await stop();
    segments.set(FOO);
    start();
    await settled('late foo 1Gi');
    assert.deepEqual(
      objects(),
      before.filter(({ nodeTopology }) => nodeTopology?.matchLabels?.layer0 === 'foo'),
    );
  });
});
