import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Circumstances, type Claims, type Need, unmet } from './needs.ts';

const claims: Claims = {
  plugin: { services: new Set(['CONTROLLER_SERVICE']), volumeExpansion: new Set() },
  controller: new Set(['CREATE_DELETE_VOLUME']),
  node: undefined,
  group: new Set(),
};
const run: Circumstances = {
  'file system access': undefined,
  'mutable parameters': undefined,
  'restart command': 'it is not known how',
};

describe('what a check needs', () => {
  const cases: readonly (readonly [Need[], string | undefined])[] = [
    [[], undefined],
    [['controller', 'Controller CREATE_DELETE_VOLUME', 'file system access'], undefined],
    [['node'], 'the socket has no node service'],
    [['Controller CLONE_VOLUME'], 'the driver does not claim CLONE_VOLUME'],
    [['!Controller CLONE_VOLUME'], undefined],
    [['!Controller CREATE_DELETE_VOLUME'], 'the driver claims CREATE_DELETE_VOLUME'],
    [['Node EXPAND_VOLUME'], 'the driver does not claim EXPAND_VOLUME'],
    [['Plugin SNAPSHOT_METADATA_SERVICE'], 'the driver does not claim SNAPSHOT_METADATA_SERVICE'],
    [['controller', 'restart command'], 'it is not known how'],
  ];
  for (const [needs, reason] of cases)
    it(`${needs.join(', ') || 'nothing'}: ${reason ?? 'is there'}`, () =>
      assert.equal(unmet(needs, claims, run), reason));
});
