import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, ResourceList } from '../kube/index.ts';
import { isScalarResource, podRequests } from './resources.ts';

const container = (requests?: ResourceList, restartPolicy?: string) => ({
  name: 'c',
  restartPolicy,
  resources: { requests },
});
const pod = (spec: object): Pod => ({ spec: spec as Pod['spec'] });

describe('podRequests', () => {
  const cases: readonly [string, object, { milliCpu?: number; memory?: number }][] = [
    ['is nothing for a pod that asks for nothing', { containers: [container()] }, {}],
    [
      'sums the containers',
      { containers: [container({ cpu: '1', memory: '1Ki' }), container({ cpu: '250m' })] },
      { milliCpu: 1250, memory: 1024 },
    ],
    [
      'takes the largest init container when that is more',
      {
        containers: [container({ cpu: '1' })],
        initContainers: [container({ cpu: '3' }), container({ cpu: '2' })],
      },
      { milliCpu: 3000 },
    ],
    [
      'runs restartable init containers beside the containers and beside the init containers after them',
      {
        containers: [container({ cpu: '1' })],
        initContainers: [container({ cpu: '1' }, 'Always'), container({ cpu: '3' })],
      },
      { milliCpu: 4000 },
    ],
    [
      'puts requests of the pod in the place of the sum, and adds overhead',
      {
        containers: [container({ cpu: '1', memory: '1Ki' })],
        resources: { requests: { cpu: '5' } },
        overhead: { cpu: '500m', memory: '1Ki' },
      },
      { milliCpu: 5500, memory: 2048 },
    ],
  ];
  for (const [fact, spec, expected] of cases) {
    it(fact, () => {
      const { requests } = podRequests(pod(spec));
      assert.deepEqual(
        { milliCpu: requests.milliCpu, memory: requests.memory },
        { milliCpu: 0, memory: 0, ...expected },
      );
    });
  }

  it('counts 100m and 200Mi in scores for a container that asks for nothing', () => {
    const { nonZero } = podRequests(pod({ containers: [container(), container({ cpu: '1' })] }));
    assert.deepEqual(nonZero, { milliCpu: 1100, memory: 2 * 200 * 1024 * 1024 });
  });

  it('counts extended resources in pieces', () => {
    const { requests } = podRequests(pod({ containers: [container({ 'example.com/gpu': '2' })] }));
    assert.deepEqual([...requests.scalar], [['example.com/gpu', 2]]);
  });
});

describe('isScalarResource', () => {
  for (const [name, expected] of [
    ['cpu', false],
    ['memory', false],
    ['example.com/gpu', true],
    ['requests.example.com/gpu', false],
    ['hugepages-2Mi', true],
    ['attachable-volumes-csi-x', true],
    ['kubernetes.io/something', true],
  ] as const) {
    it(`${name}: ${expected}`, () => assert.equal(isScalarResource(name), expected));
  }
});
