import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  ANN_SELECTED_NODE,
  namespaces,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  type StorageClass,
  type Stored,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { NodeArbiter, type NodeArbiterOptions, takingDelay } from './node-arbiter.ts';

const HERE = 'foo';
const SIGNAL = new AbortController().signal;
const storageClass = (volumeBindingMode: string): StorageClass => ({
  metadata: { name: 'c' },
  provisioner: 'p',
  volumeBindingMode,
});
const SOON = storageClass('Immediate');

interface Given extends Partial<Omit<NodeArbiterOptions, 'deployment'>> {
  readonly immediateBinding?: boolean;
  /** What random numbers are. @default 0: no jitter */
  readonly chance?: number;
  readonly wrap?: (client: Client) => Client;
}

async function world(test: TestContext, given: Given = {}) {
  const clock = new FakeClock();
  const random = { next: () => given.chance ?? 0, uuid: () => 'u' };
  const stack = await startStack(test, { watch: [], clock, ...(given.wrap && { wrap: given.wrap }) });
  const { client, context } = stack;
  await client.create(namespaces, { metadata: { name: 'ns' } });
  const arbiter = new NodeArbiter(
    { ...context, random },
    {
      deployment: {
        nodeName: HERE,
        immediateBinding: given.immediateBinding ?? true,
        baseDelayMs: 20_000,
        maxDelayMs: 60_000,
      },
      isAllowedHere: given.isAllowedHere ?? (() => true),
      hasRoom: given.hasRoom ?? (async () => true),
    },
  );
  const name = { namespace: 'ns', name: 'data' };
  const add = (node?: string) =>
    client.create(persistentVolumeClaims, {
      metadata: { ...name, ...(node !== undefined && { annotations: { [ANN_SELECTED_NODE]: node } }) },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
  const current = () => client.get(persistentVolumeClaims, name);
  return {
    clock,
    client,
    arbiter,
    add,
    current,
    decide: (claim: Stored<PersistentVolumeClaim>, of = SOON) => arbiter.decide(claim, of, SIGNAL),
    selected: async () => (await current()).metadata.annotations?.[ANN_SELECTED_NODE],
  };
}

describe('whose a claim is', () => {
  const cases: [what: string, node: string | undefined, mode: string, verdict: 'ours' | 'others'][] = [
    ['this node selected', HERE, 'WaitForFirstConsumer', 'ours'],
    ['another node selected', 'bar', 'WaitForFirstConsumer', 'others'],
    ['no node selected', undefined, 'WaitForFirstConsumer', 'others'],
    ['immediate, this node selected', HERE, 'Immediate', 'ours'],
    ['immediate, another node selected', 'bar', 'Immediate', 'others'],
  ];
  for (const [what, node, mode, verdict] of cases)
    it(`${what}: ${verdict}`, async (test) => {
      const { decide, add, selected } = await world(test);
      assert.equal(await decide(await add(node), storageClass(mode)), verdict);
      assert.equal(await selected(), node);
    });

  const never: [what: string, given: Given][] = [
    ['such claims are left to somebody else', { immediateBinding: false }],
    ['the class does not allow this node', { isAllowedHere: () => false }],
  ];
  for (const [what, given] of never)
    it(`immediate, no node selected, and ${what}: not ours`, async (test) => {
      const { decide, add, selected, clock } = await world(test, given);
      const claim = await add();
      assert.equal(await decide(claim), 'others');
      await clock.advance(600_000);
      assert.equal(await decide(claim), 'others');
      assert.equal(await selected(), undefined);
    });

  it('immediate, no node selected: it is taken after a while', async (test) => {
    const { decide, add, selected, clock, current } = await world(test, { chance: 0.25 });
    const claim = await add();
    assert.equal(await decide(claim), 15_000);
    await clock.advance(14_999);
    assert.equal(await decide(claim), 1);
    await clock.advance(1);
    assert.equal(await decide(claim), 'others');
    assert.equal(await selected(), HERE);
    assert.equal(await decide(await current()), 'ours');
  });

  it('somebody else was faster, and gives it up again: all begin anew', async (test) => {
    const { decide, add, clock, client, current } = await world(test);
    const claim = await add();
    assert.equal(await decide(claim), 20_000);
    const annotations = { [ANN_SELECTED_NODE]: 'bar' };
    const taken = await client.update(persistentVolumeClaims, {
      ...claim,
      metadata: { ...claim.metadata, annotations },
    });
    await clock.advance(20_000);
    // The cache may be behind: the server tells.
    assert.equal(await decide(claim), 40_000);
    assert.equal(await decide(taken), 'others');
    await client.update(persistentVolumeClaims, {
      ...taken,
      metadata: { ...taken.metadata, annotations: {} },
    });
    assert.equal(await decide(await current()), 20_000);
  });

  it('there is no room: it is left to others, and looked at again later', async (test) => {
    let room = false;
    const { decide, add, clock, selected } = await world(test, { hasRoom: async () => room });
    const claim = await add();
    assert.equal(await decide(claim), 20_000);
    await clock.advance(20_000);
    assert.equal(await decide(claim), 40_000);
    assert.equal(await selected(), undefined);
    await clock.advance(40_000);
    assert.equal(await decide(claim), 60_000);
    room = true;
    await clock.advance(60_000);
    assert.equal(await decide(claim), 'others');
    assert.equal(await selected(), HERE);
  });

  it('nobody can tell whether there is room: then the attempt will tell the user', async (test) => {
    const hasRoom = async () => {
      throw new Error('GetCapacity is not there');
    };
    const { decide, add, clock, selected } = await world(test, { hasRoom });
    const claim = await add();
    await decide(claim);
    await clock.advance(20_000);
    assert.equal(await decide(claim), 'others');
    assert.equal(await selected(), HERE);
  });

  it('the server refuses: the failure says of what, and is no conflict', async (test) => {
    const { decide, add, clock } = await world(test, {
      wrap: (client) => ({
        ...client,
        update: async () => {
          throw new Error('forbidden');
        },
      }),
    });
    const claim = await add();
    await decide(claim);
    await clock.advance(20_000);
    await assert.rejects(
      decide(claim),
      /^ProvisionError: node check failed: PVC ns\/data: selecting node "foo" for PVC failed: forbidden$/,
    );
    assert.equal(await decide(claim), 40_000);
  });

  it('a claim that is gone is forgotten', async (test) => {
    const { decide, add, clock, arbiter } = await world(test);
    const claim = await add();
    await decide(claim);
    await clock.advance(10_000);
    arbiter.forget(claim.metadata.uid);
    assert.equal(await decide(claim), 20_000);
  });
});

describe('the wait before a claim is taken', () => {
  it('is never negative, never above the maximum, and at first somewhere below the base', () => {
    const timing = { baseDelayMs: 1_000, maxDelayMs: 10_000 };
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (tries, chance) => {
          const delay = takingDelay(timing, tries, chance);
          assert.ok(delay >= 0 && delay <= timing.maxDelayMs);
          if (tries === 0) assert.ok(delay <= timing.baseDelayMs);
        },
      ),
    );
  });
});
