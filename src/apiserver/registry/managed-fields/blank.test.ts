import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blank } from './blank.ts';

const spec = {
  replicas: 1,
  strategy: { type: 'Recreate' },
  template: { spec: { containers: [{ name: 'c' }] } },
};

describe('an object with nothing in it', () => {
  it('has the parts that its kind holds by value, where the object has them', () =>
    assert.deepEqual(
      blank({ group: 'apps', kind: 'Deployment' }, { metadata: { name: 'a' }, spec } as object),
      {
        metadata: {},
        spec: { strategy: {}, template: { spec: { containers: [] } } },
      },
    ));
  it('has metadata, spec and status, where its kind says no more', () =>
    assert.deepEqual(
      blank({ group: '', kind: 'Namespace' }, { metadata: {}, spec: { finalizers: [] } } as object),
      {
        metadata: {},
        spec: {},
      },
    ));
  it('has the texts that are written although they are empty', () =>
    assert.deepEqual(
      blank({ group: '', kind: 'Event' }, {
        reportingComponent: 'x',
        reportingInstance: '',
        reason: 'y',
      } as object),
      { reportingInstance: '' },
    ));
  it('has metadata alone where the kind is a custom one', () =>
    assert.deepEqual(blank({ group: 'a.b', kind: 'C', custom: {} }, { metadata: {}, spec: {} } as object), {
      metadata: {},
    }));
});
