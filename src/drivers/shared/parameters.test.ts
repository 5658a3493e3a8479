import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkParameters } from './parameters.ts';

describe('checkParameters', () => {
  it('leaves out what sidecars add', () => checkParameters({ 'csi.storage.k8s.io/pvc/name': 'a' }));
  it('takes what the driver knows', () => checkParameters({ server: 'a' }, 'StorageClass', ['server']));
  it('refuses what the driver does not know', () =>
    assert.throws(() => checkParameters({ type: 'fast' }), /unknown parameters.*type/));
});
