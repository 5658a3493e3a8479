import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultStorageClass } from './storage-classes.ts';
import type { StorageClass, Stored } from './types.ts';

const storageClass = (name: string, creationTimestamp: string, annotations?: Record<string, string>) =>
  ({
    metadata: { name, creationTimestamp, annotations },
    provisioner: 'p',
  }) as unknown as Stored<StorageClass>;
const DEFAULT = { 'storageclass.kubernetes.io/is-default-class': 'true' };

describe('defaultStorageClass', () => {
  const cases: [string, Stored<StorageClass>[], string | undefined][] = [
    ['no default', [storageClass('a', '1')], undefined],
    ['one default', [storageClass('a', '1'), storageClass('b', '1', DEFAULT)], 'b'],
    ['the newest of two', [storageClass('a', '2', DEFAULT), storageClass('b', '1', DEFAULT)], 'a'],
    [
      'of equally old ones the first by name',
      [storageClass('b', '1', DEFAULT), storageClass('a', '1', DEFAULT)],
      'a',
    ],
    [
      'the beta annotation',
      [storageClass('a', '1', { 'storageclass.beta.kubernetes.io/is-default-class': 'true' })],
      'a',
    ],
    [
      'a default that says false',
      [storageClass('a', '1', { 'storageclass.kubernetes.io/is-default-class': 'false' })],
      undefined,
    ],
  ];
  for (const [what, classes, expected] of cases) {
    it(what, () => assert.equal(defaultStorageClass(classes)?.metadata.name, expected));
  }
});
