import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newClaim, newVolume } from './fixtures.ts';
import { WaitingClaims } from './waiting-claims.ts';

describe('WaitingClaims', () => {
  it('gives a free volume to one claim that could take it, the smallest first', () => {
    const waiting = new WaitingClaims();
    waiting.add(newClaim('large', { size: '5Gi' }));
    waiting.add(newClaim('small'));
    waiting.add(newClaim('gold', { className: 'gold' }));
    waiting.add(newClaim('shared', { accessModes: ['ReadWriteMany'] }));
    assert.equal(waiting.takeFor(newVolume('pv', { size: '10Gi' })), 'default/small');
    assert.equal(waiting.takeFor(newVolume('pv', { size: '1Gi' })), undefined);
    assert.equal(waiting.takeFor(newVolume('pv', { size: '10Gi' })), 'default/large');
    assert.equal(waiting.takeFor(newVolume('pv', { size: '10Gi', phase: 'Released' })), undefined);
    assert.deepEqual([...waiting.keysWhere(() => true)], ['default/gold', 'default/shared']);
  });

  it('holds a claim once, as it was added last', () => {
    const waiting = new WaitingClaims();
    waiting.add(newClaim('claim', { className: null }));
    waiting.add(newClaim('claim', { className: 'gold' }));
    assert.equal(waiting.takeFor(newVolume('pv')), undefined);
    assert.equal(waiting.takeFor(newVolume('pv', { className: 'gold' })), 'default/claim');
    assert.equal(waiting.takeFor(newVolume('pv', { className: 'gold' })), undefined);
  });
});
