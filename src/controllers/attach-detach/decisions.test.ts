import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, Pod, Stored } from '../../kube/index.ts';
import type { VolumeSpec } from '../../volume/index.ts';
import type { AttachState } from './actual-state-of-world.ts';
import { attachOrder } from './attach-order.ts';
import { type DetachCircumstances, type DetachDecision, decideDetach } from './detach-decision.ts';
import { volumeMessage } from './messages.ts';
import { isMultiAttachAllowed, multiAttachMessage } from './multi-attach.ts';

describe('when a volume may be taken from its node', () => {
  const waiting: DetachCircumstances = {
    mountedByNode: true,
    waitedMs: 0,
    maxWaitMs: 360_000,
    disableForceDetachOnTimeout: false,
    nodeHealthy: true,
    outOfService: false,
  };
  const late = 360_001;
  const wait: DetachDecision = { action: 'wait' };
  const safe: DetachDecision = { action: 'detach', verifySafe: true };
  const forced = (reason: 'timeout' | 'out-of-service'): DetachDecision => ({
    action: 'detach',
    verifySafe: false,
    forced: reason,
  });
  const cases: [string, Partial<DetachCircumstances>, DetachDecision][] = [
    ['the node has let go: at once, asking once more', { mountedByNode: false }, safe],
    ['mounted, node healthy: never forced', { waitedMs: late }, wait],
    ['mounted, node unhealthy: within six minutes not', { nodeHealthy: false, waitedMs: 360_000 }, wait],
    ['mounted, node unhealthy: after six minutes', { nodeHealthy: false, waitedMs: late }, forced('timeout')],
    [
      'forcing by time is switched off',
      { nodeHealthy: false, waitedMs: late, disableForceDetachOnTimeout: true },
      wait,
    ],
    ['out of service: at once', { outOfService: true }, forced('out-of-service')],
    [
      'out of service although forcing by time is switched off',
      { outOfService: true, waitedMs: late, disableForceDetachOnTimeout: true, nodeHealthy: false },
      forced('out-of-service'),
    ],
    ['not mounted, but late: nobody is asked', { mountedByNode: false, waitedMs: late }, forced('timeout')],
  ];
  for (const [name, change, expected] of cases) {
    it(name, () => assert.deepEqual(decideDetach({ ...waiting, ...change }), expected));
  }
});

describe('which volumes several nodes may have', () => {
  const spec = (...accessModes: string[]): VolumeSpec => ({
    name: 'pv',
    persistentVolume: { spec: { accessModes } } as unknown as Stored<PersistentVolume>,
    readOnly: false,
  });
  const cases: [string, VolumeSpec | undefined, boolean][] = [
    ['unknown', undefined, true],
    ['written in the pod', { name: 'v', volume: { name: 'v' }, readOnly: false }, true],
    ['no access modes', spec(), true],
    ['ReadWriteOnce', spec('ReadWriteOnce'), false],
    ['ReadWriteOncePod', spec('ReadWriteOncePod'), false],
    ['ReadOnlyMany', spec('ReadOnlyMany'), true],
    ['ReadWriteMany', spec('ReadWriteMany'), true],
    ['ReadWriteOnce and ReadOnlyMany', spec('ReadWriteOnce', 'ReadOnlyMany'), true],
  ];
  for (const [name, volume, allowed] of cases) {
    it(`${name}: ${allowed}`, () => assert.equal(isMultiAttachAllowed(volume), allowed));
  }
});

describe('messages', () => {
  const pod = (namespace: string, name: string) => ({ metadata: { namespace, name } }) as Stored<Pod>;
  const asking = pod('a', 'asking');
  const prefix = 'Multi-Attach error for volume "pvc-1" Volume is already ';
  const cases: [string, Stored<Pod>[], string][] = [
    ['no pod', [], "exclusively attached to one node and can't be attached to another"],
    ['pods of the namespace', [pod('a', 'p'), pod('a', 'q')], 'used by pod(s) p, q'],
    ['pods elsewhere stay untold', [pod('b', 'p')], 'used by 1 pod(s) in different namespaces'],
    ['both', [pod('a', 'p'), pod('b', 'q')], 'used by pod(s) p and 1 pod(s) in different namespaces'],
  ];
  for (const [name, users, text] of cases) {
    it(`names what holds a volume: ${name}`, () => {
      assert.equal(multiAttachMessage('pvc-1', asking, users), prefix + text);
    });
  }
  it('have the form of upstream, with its trailing space', () => {
    assert.equal(
      volumeMessage('AttachVolume.Attach succeeded', 'pvc-1', ''),
      'AttachVolume.Attach succeeded for volume "pvc-1" ',
    );
  });
});

describe('where a volume is attached first', () => {
  it('where it may be already', () => {
    const states: Record<string, AttachState> = {
      a: 'detached',
      b: 'attached',
      c: 'uncertain',
      d: 'detached',
    };
    const wanted = ['a', 'b', 'c', 'd'].map((nodeName) => ({ nodeName }));
    const order = attachOrder(wanted, (nodeName) => states[nodeName]!).map(({ nodeName }) => nodeName);
    assert.deepEqual(order, ['c', 'a', 'b', 'd']);
  });
});
