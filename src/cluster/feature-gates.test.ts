import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addFeatureGates, FEATURE_GATES, isEnabled } from './feature-gates.ts';

describe('feature gates', () => {
  it('are as upstream has them unless they are set', () => {
    assert.deepEqual(
      FEATURE_GATES.filter((gate) => isEnabled({}, gate)),
      ['SELinuxChangePolicy'],
    );
    const gates = addFeatureGates('StorageCapacityScoring=true, SELinuxChangePolicy=F');
    assert.deepEqual(
      FEATURE_GATES.filter((gate) => isEnabled(gates, gate)),
      ['StorageCapacityScoring'],
    );
  });

  it('are set one after another, the last one counts', () => {
    const first = addFeatureGates('StorageCapacityScoring=1');
    const both = addFeatureGates('PersistentVolumeClaimUnusedSinceTime=true', first);
    assert.deepEqual(both, { StorageCapacityScoring: true, PersistentVolumeClaimUnusedSinceTime: true });
    assert.equal(addFeatureGates('StorageCapacityScoring=false', both).StorageCapacityScoring, false);
  });

  const refusals: [string, string][] = [
    ['NoSuchGate=true', 'unrecognized feature gate: NoSuchGate'],
    ['toString=true', 'unrecognized feature gate: toString'],
    ['StorageCapacityScoring', 'missing bool value for StorageCapacityScoring'],
    [
      'StorageCapacityScoring=yes',
      'invalid value of StorageCapacityScoring=yes, err: strconv.ParseBool: parsing "yes": invalid syntax',
    ],
  ];
  for (const [text, message] of refusals) {
    it(`refuses ${text}`, () => assert.throws(() => addFeatureGates(text), { message }));
  }
});
