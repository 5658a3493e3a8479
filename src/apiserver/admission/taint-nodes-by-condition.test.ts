import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, systemClock } from '../../base/index.ts';
import { nodes, type Taint } from '../../kube/index.ts';
import { createLocalClient } from '../local-client.ts';
import { createRegistry } from '../registry/registry.ts';
import { openStore } from '../store/index.ts';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const MASTER = { key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' };
const LATE = { ...NOT_READY, effect: 'NoExecute' };

describe('TaintNodesByCondition', () => {
  const cases: [what: string, given: Taint[] | undefined, gets: Taint[]][] = [
    ['a new node is not ready', undefined, [NOT_READY]],
    ['beside its own taints', [MASTER], [MASTER, NOT_READY]],
    ['once', [NOT_READY, MASTER], [NOT_READY, MASTER]],
    ['whatever it is for running pods', [LATE], [LATE, NOT_READY]],
  ];
  for (const [what, taints, gets] of cases) {
    it(what, async (test) => {
      const store = await openStore({ memory: true });
      const enableAdmission = ['TaintNodesByCondition'];
      const options = { store, clock: systemClock, random: seededRandom(1), enableAdmission };
      const registry = await createRegistry(options);
      test.after(() => registry.close());
      const client = createLocalClient(registry);
      const { metadata, spec } = await client.create(nodes, { metadata: { name: 'n' }, spec: { taints } });
      assert.deepEqual(spec?.taints, gets);
      const patch = { type: 'merge', body: { spec: { taints: null } } } as const;
      const ready = await client.patch(nodes, { name: metadata.name }, patch);
      assert.equal(ready.spec?.taints, undefined, 'an update is not touched');
    });
  }
});
