import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newPod } from './fixtures.ts';
import { Nominator } from './nominator.ts';
import { podInfo } from './pod-info.ts';

const pod = (nominatedNodeName?: string) => podInfo({ ...newPod('p'), status: { nominatedNodeName } });

function nodeOf(nominator: Nominator): string | undefined {
  return ['n1', 'n2'].find((name) => [...nominator.on(name)].length > 0);
}

describe('Nominator', () => {
  it('goes by what the pod says until something else is decided', () => {
    const nominator = new Nominator();
    nominator.set(pod('n1'));
    assert.equal(nodeOf(nominator), 'n1');
    nominator.set(pod('n1'), 'n2');
    assert.equal(nodeOf(nominator), 'n2');
    nominator.set(pod('n1'), '');
    assert.equal(nodeOf(nominator), undefined);
    assert.equal(nominator.isAny('n2'), false);
  });

  const updates: [string, decided: string, before: string | undefined, after: string | undefined, string?][] =
    [
      ['one that says nothing leaves what is not written yet', 'n1', undefined, undefined, 'n1'],
      ['one that says where goes before it', 'n1', undefined, 'n2', 'n2'],
      ['one that takes it back ends it', 'n1', 'n1', undefined, undefined],
    ];
  for (const [what, decided, before, after, wanted] of updates) {
    it(`an update: ${what}`, () => {
      const nominator = new Nominator();
      nominator.set(pod(), decided);
      nominator.update(pod(after), before);
      assert.equal(nodeOf(nominator), wanted);
    });
  }

  it('forgets a pod that is gone', () => {
    const nominator = new Nominator();
    nominator.set(pod('n1'));
    nominator.delete(pod().uid);
    assert.equal(nodeOf(nominator), undefined);
  });
});
