import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DriverFacts, isSameDriver } from './driver-facts.ts';
import { driverObjectSpec } from './external-driver.ts';

const driver = (more: Partial<DriverFacts> = {}): DriverFacts => ({
  name: 'd',
  services: new Set(['CONTROLLER_SERVICE']),
  controller: new Set(['CREATE_DELETE_VOLUME']),
  node: new Set(),
  ...more,
});

describe('what a driver says of itself', () => {
  const others: [what: string, DriverFacts, same: boolean][] = [
    ['nothing new', driver(), true],
    ['the same in another order', driver({ services: new Set(['CONTROLLER_SERVICE']) }), true],
    ['another name', driver({ name: 'e' }), false],
    ['more calls', driver({ controller: new Set(['CREATE_DELETE_VOLUME', 'EXPAND_VOLUME']) }), false],
    ['no node service', driver({ node: undefined }), false],
    ['more on nodes', driver({ node: new Set(['EXPAND_VOLUME']) }), false],
  ];
  for (const [what, other, same] of others)
    it(`${what}: ${same ? 'the same' : 'another'} driver`, () =>
      assert.equal(isSameDriver(driver(), other), same));

  it('becomes its CSIDriver object', () => {
    assert.deepEqual(driverObjectSpec(driver()), {
      attachRequired: false,
      volumeLifecycleModes: ['Persistent'],
    });
    assert.deepEqual(driverObjectSpec(driver({ controller: new Set(['PUBLISH_UNPUBLISH_VOLUME']) })), {
      attachRequired: true,
      volumeLifecycleModes: ['Persistent'],
    });
    assert.deepEqual(driverObjectSpec(driver({ services: new Set(), controller: new Set() })), {
      attachRequired: false,
      volumeLifecycleModes: ['Persistent', 'Ephemeral'],
    });
  });
});
