import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { PodSpec } from '../../../kube/index.ts';
import { podResourceCauses } from './container-resources-validation.ts';

it('what a pod asks for as a whole is looked at also where it has no containers', () => {
  const spec = { resources: { limits: { cpu: '1' }, claims: [{ name: 'x' }] } } as unknown as PodSpec;
  assert.deepEqual(
    podResourceCauses(spec, 'spec.resources').map(({ field, reason }) => [field, reason]),
    [
      ['spec.resources.claims', 'FieldValueForbidden'],
      ['spec.resources.claims[0]', 'FieldValueNotFound'],
    ],
  );
});
