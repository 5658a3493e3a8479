import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { podDisruptionBudgets, pods, StatusError } from '../../../kube/index.ts';
import { type Fixture, podNamed, startRegistry } from '../testing.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startRegistry();
});

const named = (name: string) => ({ namespace: 'default', name });
const READY = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

async function runningPod(name: string, status: object = READY) {
  const { client } = fixture;
  const labels = { app: 'x' };
  await client.create(pods, { ...podNamed(name, { nodeName: 'n' }), metadata: { ...named(name), labels } });
  const body = { status };
  await client.patch(pods, named(name), { type: 'merge', body }, { subresource: 'status' });
}

async function budget(name: string, status: object, spec: object = {}) {
  const { client } = fixture;
  const made = await client.create(podDisruptionBudgets, {
    metadata: named(name),
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } }, ...spec },
  });
  await client.update(
    podDisruptionBudgets,
    { ...made, status: { observedGeneration: 1, ...status } as never },
    { subresource: 'status' },
  );
}

const evict = (name: string, deleteOptions?: object) =>
  fixture.client.createSubresource(pods, named(name), 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: named(name),
    deleteOptions,
  });

/** Code and causes of a refusal. */
async function refusal(what: Promise<unknown>) {
  const error = await what.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StatusError, `refused: ${String(error)}`);
  const { details } = error.status;
  return [
    error.code,
    error.message,
    ...(details?.causes ?? []).map((one) => `${one.reason}: ${one.message}`),
  ];
}

const budgetOf = async (name: string) => (await fixture.client.get(podDisruptionBudgets, named(name))).status;
const leaves = async (name: string) =>
  (await fixture.client.get(pods, named(name))).metadata.deletionTimestamp !== undefined;

const ONE_LEFT = { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 };
const NONE_LEFT = { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 };

describe('an eviction', () => {
  it('marks and deletes a pod that no budget covers', async () => {
    await runningPod('p');
    assert.deepEqual(await evict('p'), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      code: 201,
    });
    const pod = await fixture.client.get(pods, named('p'));
    assert.ok(pod.metadata.deletionTimestamp);
    const condition = pod.status?.conditions?.find((one) => one.type === 'DisruptionTarget');
    assert.equal(condition?.reason, 'EvictionByEvictionAPI');
  });

  it('takes from the budget and is refused once nothing is left', async () => {
    await runningPod('a');
    await runningPod('b');
    await budget('pdb', ONE_LEFT);
    // At once: what one takes the other does not get.
    const outcomes = await Promise.allSettled([evict('a'), evict('b')]);
    assert.deepEqual(
      outcomes.map((one) => one.status),
      ['fulfilled', 'rejected'],
    );
    const status = await budgetOf('pdb');
    assert.equal(status?.disruptionsAllowed, 0);
    assert.deepEqual(Object.keys(status?.disruptedPods ?? {}), ['a']);
    assert.equal(status?.conditions?.[0]?.reason, 'InsufficientPods');
    assert.equal(await leaves('b'), false);
  });

  it('says why it is refused', async () => {
    await runningPod('p');
    await budget('pdb', NONE_LEFT);
    assert.deepEqual(await refusal(evict('p')), [
      429,
      "Cannot evict pod as it would violate the pod's disruption budget.",
      'DisruptionBudget: The disruption budget pdb needs 1 healthy pods and has 1 currently',
    ]);
  });

  it('waits for a budget that has not been looked at', async () => {
    await runningPod('p');
    await budget('pdb', { ...ONE_LEFT, observedGeneration: 0 });
    assert.deepEqual((await refusal(evict('p'))).slice(2), [
      'DisruptionBudget: The disruption budget pdb is still being processed by the server.',
    ]);
  });

  const cases: [string, object, object, object, boolean][] = [
    ['that has ended', { phase: 'Succeeded' }, NONE_LEFT, {}, true],
    ['that is pending', { phase: 'Pending' }, NONE_LEFT, {}, true],
    ['that is not ready, of a healthy application', { phase: 'Running' }, NONE_LEFT, {}, true],
    [
      'that is not ready, of an unhealthy application',
      { phase: 'Running' },
      { ...NONE_LEFT, currentHealthy: 0 },
      {},
      false,
    ],
    [
      'that is not ready, when such may always go',
      { phase: 'Running' },
      { ...NONE_LEFT, currentHealthy: 0 },
      { unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      true,
    ],
  ];
  for (const [what, status, left, spec, goes] of cases) {
    it(`of a pod ${what}: ${goes ? 'goes' : 'is refused'}`, async () => {
      await runningPod('p', status);
      await budget('pdb', left, spec);
      if (!goes) assert.equal((await refusal(evict('p')))[0], 429);
      else {
        await evict('p');
        assert.equal((await budgetOf('pdb'))?.disruptionsAllowed, 0);
      }
    });
  }

  it('of a pod with two budgets fails', async () => {
    await runningPod('p');
    await budget('one', ONE_LEFT);
    await budget('two', ONE_LEFT);
    assert.deepEqual(await evict('p'), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      code: 500,
    });
    assert.equal(await leaves('p'), false);
  });

  it('keeps to preconditions and dry runs', async () => {
    await runningPod('p');
    assert.equal((await refusal(evict('p', { preconditions: { uid: 'other' } })))[0], 409);
    await evict('p', { dryRun: ['All'] });
    assert.equal(await leaves('p'), false);
    assert.equal((await refusal(evict('gone')))[0], 404);
  });
});
