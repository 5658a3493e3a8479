import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PriorityClass, priorityClasses } from '../../../kube/index.ts';
import { startRegistry } from '../testing.ts';

describe('the priority classes of the system', () => {
  it('are there, and stay unless all go', async () => {
    const { client } = await startRegistry();
    const { items } = await client.list(priorityClasses);
    assert.deepEqual(
      items.map(({ metadata, value }) => [metadata.name, value]),
      [
        ['system-cluster-critical', 2_000_000_000],
        ['system-node-critical', 2_000_001_000],
      ],
    );
    await assert.rejects(client.delete(priorityClasses, { name: 'system-node-critical' }), {
      code: 403,
      message:
        'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
    });
    // Upstream, too, refuses it by name only.
    await client.deleteCollection(priorityClasses, {});
    assert.deepEqual((await client.list(priorityClasses)).items, []);
  });

  const RESERVED =
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: ";
  for (const [name, value, globalDefault, why] of [
    ['system-x', 1, false, `${RESERVED}system-x is not a known system priority class`],
    [
      'system-node-critical',
      1,
      false,
      `${RESERVED}value of system-node-critical PriorityClass must be 2000001000`,
    ],
    [
      'system-node-critical',
      2_000_001_000,
      true,
      `${RESERVED}globalDefault of system-node-critical PriorityClass must be false`,
    ],
    [
      'high',
      1_000_000_001,
      false,
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ],
  ] as const)
    it(`no other is made: ${name} ${value} ${globalDefault}`, async () => {
      const { client } = await startRegistry();
      const made: PriorityClass = { metadata: { name }, value, globalDefault };
      await assert.rejects(client.create(priorityClasses, made), {
        code: 422,
        message: `PriorityClass.scheduling.k8s.io "${name}" is invalid: ${why}`,
      });
    });

  it('can be changed where any can', async () => {
    const { client } = await startRegistry();
    const name = { name: 'system-node-critical' };
    const patch = (body: object) => client.patch(priorityClasses, name, { type: 'merge', body });
    assert.equal((await patch({ globalDefault: true })).globalDefault, true);
    await assert.rejects(patch({ value: 3 }), {
      message:
        'PriorityClass.scheduling.k8s.io "system-node-critical" is invalid: value: Forbidden: may not be changed in an update.',
    });
  });
});
