import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../client/index.ts';
import type { PersistentVolumeClaim, ReferenceGrant } from '../../kube/index.ts';
import { checkGrant } from './grant.ts';

const claimOf = (namespace?: string): PersistentVolumeClaim => ({
  metadata: { namespace: 'default', name: 'data' },
  spec: { dataSourceRef: { apiGroup: 'hello.example.com', kind: 'Hello', name: 'world', namespace } },
});
const from = { group: '', kind: 'PersistentVolumeClaim', namespace: 'default' };
const to = { group: 'hello.example.com', kind: 'Hello' };
const grant = (more: { from?: object; to?: object; namespace?: string } = {}): ReferenceGrant => ({
  metadata: { namespace: more.namespace ?? 'library', name: 'g' },
  spec: { from: [{ ...from, ...more.from }], to: [{ ...to, ...more.to }] },
});

describe('a source in another namespace', () => {
  // Source: the table of IsGranted's test.
  const cases: [what: string, grants: ReferenceGrant[], allowed: boolean][] = [
    ['without a grant', [], false],
    ['granted', [grant()], true],
    ['granted by its name', [grant({ to: { name: 'world' } })], true],
    ['granted by an empty name', [grant({ to: { name: '' } })], true],
    ['granted, but another', [grant({ to: { name: 'moon' } })], false],
    ['granted, but of another kind', [grant({ to: { kind: 'Bye' } })], false],
    ['granted, but of another group', [grant({ to: { group: '' } })], false],
    ['granted to another namespace', [grant({ from: { namespace: 'kube-system' } })], false],
    ['granted to another kind', [grant({ from: { kind: 'Secret' } })], false],
    ['granted to another group', [grant({ from: { group: 'apps' } })], false],
    ['by the second grant', [grant({ to: { name: 'moon' } }), grant()], true],
  ];
  for (const [what, items, allowed] of cases)
    it(`${what}: ${allowed}`, async () => {
      const client = { list: async () => ({ items }) } as unknown as Client;
      const check = checkGrant(claimOf('library'), client, { crossNamespace: true });
      if (allowed) return check;
      return assert.rejects(
        check,
        /^Error: accessing library\/world of Hello dataSource from default\/data isn't allowed$/,
      );
    });

  const unasked = { list: () => assert.fail('nobody asks') } as unknown as Client;
  it('is refused where the populator does not take such', () =>
    assert.rejects(checkGrant(claimOf('library'), unasked, {}), /isn't allowed$/));
  it('is not one when it is the own', () =>
    checkGrant(claimOf('default'), unasked, { crossNamespace: true }));
  it('is not one when none is named', () => checkGrant(claimOf(), unasked, { crossNamespace: true }));
});
