import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, Stored } from '../../kube/index.ts';
import { type DownwardItem, downwardPayload } from './downward-api.ts';

const pod = {
  metadata: {
    name: 'p',
    namespace: 'ns',
    uid: 'u',
    labels: { b: '2', a: 'say "hi"\n' },
    annotations: { 'example.com/x': 'y' },
  },
  spec: {
    containers: [
      { name: 'c', resources: { limits: { cpu: '1500m' }, requests: { memory: '64Mi' } } },
      { name: 'free' },
    ],
  },
} as unknown as Stored<Pod>;
const allocatable = () => ({ cpu: '4', memory: '8Gi', 'ephemeral-storage': '10Gi' });
const filesOf = (...items: DownwardItem[]) =>
  downwardPayload(items, { pod, defaultMode: 0o644 }, allocatable);
const text = (item: Omit<DownwardItem, 'path'>) =>
  Buffer.from(filesOf({ path: 'f', ...item }).get('f')!.data).toString();

describe('a downwardAPI file', () => {
  const fields: [string, string][] = [
    ['metadata.name', 'p'],
    ['metadata.namespace', 'ns'],
    ['metadata.uid', 'u'],
    ['metadata.labels', 'a="say \\"hi\\"\\n"\nb="2"'],
    ["metadata.labels['b']", '2'],
    ["metadata.labels['absent']", ''],
    ["metadata.annotations['example.com/x']", 'y'],
  ];
  for (const [fieldPath, value] of fields)
    it(`${fieldPath} is ${JSON.stringify(value)}`, () =>
      assert.equal(text({ fieldRef: { fieldPath } }), value));

  const resources: [string, string, string | undefined, string][] = [
    ['c', 'limits.cpu', undefined, '2'],
    ['c', 'limits.cpu', '1m', '1500'],
    ['c', 'requests.memory', '1Mi', '64'],
    ['c', 'limits.memory', '1Gi', '8'],
    ['free', 'requests.cpu', undefined, '0'],
    ['free', 'limits.ephemeral-storage', '1Gi', '10'],
  ];
  for (const [containerName, resource, divisor, value] of resources)
    it(`${resource} of ${containerName} in ${divisor ?? '1'} is ${value}`, () =>
      assert.equal(text({ resourceFieldRef: { containerName, resource, divisor } }), value));

  it('has the mode that it asks for, and a clean path', () => {
    const files = filesOf(
      { path: 'a//b', mode: 0o400, fieldRef: { fieldPath: 'metadata.uid' } },
      { path: 'c', fieldRef: { fieldPath: 'metadata.uid' } },
    );
    assert.deepEqual(
      [...files].map(([path, { mode }]) => [path, mode]),
      [
        ['a/b', 0o400],
        ['c', 0o644],
      ],
    );
  });

  it('names every mistake', () => {
    const wrong = (fieldPath: string): DownwardItem => ({ path: fieldPath, fieldRef: { fieldPath } });
    assert.throws(() => filesOf(wrong('spec.x')), /^Error: unsupported fieldPath: spec\.x$/);
    assert.throws(
      () =>
        filesOf(wrong('spec.x'), wrong("metadata.name['x']"), {
          path: 'r',
          resourceFieldRef: { containerName: 'none', resource: 'limits.cpu' },
        }),
      /^Error: \[unsupported fieldPath: spec\.x, fieldPath "metadata\.name" does not support subscript, container none not found\]$/,
    );
  });
});
