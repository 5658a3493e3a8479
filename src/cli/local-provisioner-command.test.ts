import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addLocalVolumes } from './local-provisioner-command.ts';

describe('--local-provisioner', () => {
  it('is for node-1 unless it names another', () => {
    const first = addLocalVolumes('/etc/local.yaml');
    assert.deepEqual(addLocalVolumes('node-2=two=2.yaml', first), [
      { config: '/etc/local.yaml' },
      { node: 'node-2', config: 'two=2.yaml' },
    ]);
  });

  const bad: [text: string, before: string[], message: RegExp][] = [
    ['', [], /must be the path of a configuration/],
    ['node-2=', [], /must be the path of a configuration/],
    ['node-1=b', ['a'], /^Error: node-1 has a configuration already/],
    ['b', ['node-1=a'], /^Error: node-1 has a configuration already/],
  ];
  for (const [text, before, message] of bad)
    it(`refuses ${JSON.stringify(text)} after ${JSON.stringify(before)}`, () => {
      const known = before.reduce((found, one) => addLocalVolumes(one, found), addLocalVolumes('node-9=x'));
      assert.throws(() => addLocalVolumes(text, known), message);
    });
});
