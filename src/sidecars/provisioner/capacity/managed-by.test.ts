import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { managedBy, shortName } from './managed-by.ts';

describe('who objects are managed by', () => {
  it('is the provisioner of the cluster, or that of a node', () => {
    assert.equal(managedBy(undefined), 'external-provisioner');
    assert.equal(managedBy('node01'), 'external-provisioner-node01');
  });

  const node = (as: number) => `node${'a'.repeat(as)}`;
  const base = 'external-provisioner';
  // Names and hashes are those that upstream's test expects.
  const cases: [what: string, base: string, node: string, name: string][] = [
    ['without a base', '', 'node01', 'node01'],
    ['of exactly 63 characters', base, node(38), `${base}-${node(38)}`],
    ['of one more', base, node(39), `external-p-53f40b57-${node(39)}`],
    ['of a node with 52', base, node(48), `e-53f40b57-${node(48)}`],
    ['of a node with 53', base, node(49), `${base}-a3607ff1`],
    ['of a very long node', base, node(63), `${base}-df38e37f`],
    ['of a very long node alone', '', node(63), 'fa65587e'],
  ];
  for (const [what, of, suffix, name] of cases)
    it(`${what}: ${name}`, () => assert.equal(shortName(of, suffix), name));
});
