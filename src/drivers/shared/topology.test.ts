import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeFor, zoneOf } from './topology.ts';

describe('placeFor', () => {
  const pool = { 'x/host': 'a' };
  const here = { segments: { 'x/host': 'a' } };
  const elsewhere = { segments: { 'x/host': 'b' } };
  const cases: [
    what: string,
    requisite: { segments?: Record<string, string> }[] | undefined,
    met: boolean,
  ][] = [
    ['no requirements', undefined, true],
    ['none requisite', [], true],
    ['here', [here], true],
    ['elsewhere', [elsewhere], false],
    ['here or elsewhere', [elsewhere, here], true],
    ['here, and a zone that the pool knows nothing of', [{ segments: { 'x/host': 'a', zone: 'z' } }], false],
    ['a topology without segments', [{}], true],
  ];
  for (const [what, requisite, met] of cases) {
    it(`${what}: ${met ? 'yes' : 'no'}`, () =>
      assert.equal(placeFor(requisite && { requisite }, [pool]) !== undefined, met));
  }

  it('takes the first preferred place that there is, as wide as it is asked for', () => {
    const places = [
      { 'x/host': 'a', zone: 'b' },
      { 'x/host': 'a', zone: 'c' },
    ];
    const terms = (...zones: string[]) => zones.map((zone) => ({ segments: { zone } }));
    const requirements = { requisite: terms('c', 'd', 'b'), preferred: terms('d', 'b') };
    assert.deepEqual(placeFor(requirements, places), { zone: 'b' });
    assert.deepEqual(placeFor({ requisite: terms('c') }, places), { zone: 'c' });
    assert.deepEqual(placeFor({ requisite: terms('d') }, places), undefined);
  });

  it('knows a zone and a region by the labels of a node, nothing else', () => {
    const place = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r' };
    assert.deepEqual(zoneOf({ ...place, rack: '1' }), place);
    assert.deepEqual(zoneOf(undefined), {});
  });
});
