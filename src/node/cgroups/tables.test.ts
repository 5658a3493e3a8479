import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Container, Pod, PodSpec } from '../../kube/index.ts';
import { containerCpuWeight, milliCpuToQuota, milliCpuToShares, podCpuWeight } from './conversions.ts';
import { oomScoreAdjust } from './oom-score.ts';
import { type CgroupSettings, containerSettings, podSettings } from './resources.ts';
import { parseFlat } from './usage.ts';

const list = (cpu: string, memory: string) => ({ ...(cpu && { cpu }), ...(memory && { memory }) });
const resources = (requests: object, limits: object = {}) => ({ requests, limits }) as Container['resources'];
const container = (requests: object, limits: object = {}, more: object = {}) =>
  ({ name: 'c', resources: resources(requests, limits), ...more }) as Container;
const pod = (containers: readonly Container[], more: Partial<PodSpec> = {}) =>
  ({ metadata: { name: 'p' }, spec: { containers, ...more } }) as Pod;

const [SMALL, LARGE] = [list('100m', '100Mi'), list('200m', '200Mi')];
const [MIB_100, MIB_200] = ['104857600', '209715200'];

describe('processor time', () => {
  const shares: [bigint, bigint][] = [
    [0n, 2n],
    [1n, 2n],
    [2n, 2n],
    [100n, 102n],
    [1000n, 1024n],
    [256_000n, 262_144n],
    [1_000_000n, 262_144n],
  ];
  for (const [milliCpu, expected] of shares)
    it(`${milliCpu}m is ${expected} shares`, () => assert.equal(milliCpuToShares(milliCpu), expected));

  const quotas: [bigint, bigint][] = [
    [0n, 0n],
    [5n, 1000n],
    [9n, 1000n],
    [10n, 1000n],
    [200n, 20_000n],
    [500n, 50_000n],
    [1000n, 100_000n],
    [1500n, 150_000n],
  ];
  for (const [milliCpu, expected] of quotas)
    it(`${milliCpu}m is ${expected} of 100000 µs`, () => assert.equal(milliCpuToQuota(milliCpu), expected));

  const weights: [shares: bigint, pod: bigint, container: bigint][] = [
    [2n, 1n, 1n],
    [102n, 4n, 17n],
    [512n, 20n, 59n],
    [1024n, 39n, 100n],
    [262_144n, 10_000n, 10_000n],
  ];
  for (const [given, ofPod, ofContainer] of weights)
    it(`${given} shares weigh ${ofPod} in a pod, ${ofContainer} in a container`, () => {
      assert.equal(podCpuWeight(given), ofPod);
      assert.equal(containerCpuWeight(given), ofContainer);
    });

  it('weighs no less for more shares, and always what the kernel takes', () => {
    const any = fc.bigInt({ min: 2n, max: 262_144n });
    fc.assert(
      fc.property(any, any, (a, b) => {
        for (const weight of [podCpuWeight, containerCpuWeight]) {
          assert.ok(weight(a) >= 1n && weight(a) <= 10_000n);
          assert.ok(a <= b === weight(a) <= weight(b) || weight(a) === weight(b));
        }
      }),
    );
  });
});

describe("a pod's settings", () => {
  // Names and amounts of upstream's TestResourceConfigForPod; 100m weigh 4, 200m 8.
  const cases: [name: string, given: Pod, expected: CgroupSettings][] = [
    ['besteffort', pod([container({})]), { 'cpu.weight': '1' }],
    ['burstable-no-limits', pod([container(SMALL)]), { 'cpu.weight': '4' }],
    [
      'burstable-with-limits',
      pod([container(SMALL, LARGE)]),
      { 'cpu.weight': '4', 'cpu.max': '20000 100000', 'memory.max': MIB_200 },
    ],
    ['burstable-partial-limits', pod([container(SMALL, LARGE), container(SMALL)]), { 'cpu.weight': '8' }],
    [
      'guaranteed',
      pod([container(SMALL, SMALL)]),
      { 'cpu.weight': '4', 'cpu.max': '10000 100000', 'memory.max': MIB_100 },
    ],
    [
      'burstable-partial-limits-with-init-containers',
      pod([container(SMALL, SMALL), container(SMALL)], {
        initContainers: [container(SMALL, SMALL), container(SMALL)],
      }),
      { 'cpu.weight': '8' },
    ],
    [
      'burstable-with-pod-level-requests',
      pod([container({})], { resources: resources(SMALL) }),
      { 'cpu.weight': '4' },
    ],
    [
      'burstable-with-pod-and-container-level-resources',
      pod([container(list('10m', '50Mi'), list('50m', '100Mi'))], { resources: resources(SMALL, LARGE) }),
      { 'cpu.weight': '4', 'cpu.max': '20000 100000', 'memory.max': MIB_200 },
    ],
    [
      'guaranteed-with-pod-level-resources',
      pod([container({})], { resources: resources(SMALL, SMALL) }),
      { 'cpu.weight': '4', 'cpu.max': '10000 100000', 'memory.max': MIB_100 },
    ],
    [
      'overhead, which raises limits that there are',
      pod([container(SMALL, { cpu: '100m' })], { overhead: SMALL }),
      { 'cpu.weight': '8', 'cpu.max': '20000 100000' },
    ],
    [
      'an init container beside a sidecar that has a limit',
      pod([container(SMALL, LARGE)], {
        initContainers: [container({}, LARGE, { restartPolicy: 'Always' }), container({})],
      }),
      { 'cpu.weight': '4', 'cpu.max': '40000 100000', 'memory.max': '419430400' },
    ],
  ];
  for (const [name, given, expected] of cases) it(name, () => assert.deepEqual(podSettings(given), expected));

  it('hold the number of processes when there is a limit', () => {
    assert.equal(podSettings(pod([container({})]), 100)['pids.max'], '100');
    assert.equal(podSettings(pod([container({})]), -1)['pids.max'], undefined);
  });
});

describe("a container's settings", () => {
  const always = { 'memory.swap.max': '0', 'memory.oom.group': '1' };
  const cases: [name: string, given: Container, spec: Partial<PodSpec>, expected: CgroupSettings][] = [
    ['that asks for nothing', container({}), {}, { 'cpu.weight': '1' }],
    ['that asks for a share', container({ cpu: '1' }), {}, { 'cpu.weight': '100' }],
    [
      'with limits, which are what it asks for too',
      container({}, { cpu: '500m', memory: '64Mi' }),
      {},
      { 'cpu.weight': '59', 'cpu.max': '50000 100000', 'memory.max': '67108864' },
    ],
    [
      'that asks for less than it may use',
      container({ cpu: '0' }, { cpu: '1500m' }),
      {},
      { 'cpu.weight': '1', 'cpu.max': '150000 100000' },
    ],
    [
      "within its pod's limits",
      container({}, { cpu: '100m' }),
      { resources: resources({}, LARGE) },
      { 'cpu.weight': '17', 'cpu.max': '10000 100000', 'memory.max': MIB_200 },
    ],
  ];
  for (const [name, given, spec, expected] of cases)
    it(name, () =>
      assert.deepEqual(containerSettings(pod([given], spec), given), { ...expected, ...always }),
    );
});

describe('how readily a container is killed for want of memory', () => {
  // Amounts of upstream's TestGetContainerOOMScoreAdjust.
  const MACHINE = 8_000_000_000;
  const asks = (memory: number, more: object = {}) =>
    container({ memory: String(memory) }, { memory: String(memory + 1000) }, more);
  const main = asks(MACHINE / 8);
  const sidecar = (memory: number) => asks(memory, { name: 'sidecar', restartPolicy: 'Always' });
  const beside = (memory: number): [Container, Pod] => {
    const one = sidecar(memory);
    return [one, pod([main], { initContainers: [one] })];
  };
  const alone = (one: Container, spec: Partial<PodSpec> = {}): [Container, Pod] => [one, pod([one], spec)];
  const critical = (name: string, priority: number) => ({ priorityClassName: name, priority });
  const cases: [name: string, given: [Container, Pod], expected: number][] = [
    ['no memory asked for, but processor limits', alone(container({}, { cpu: '10' })), 999],
    ['nothing asked for', alone(container({})), 1000],
    ['all limited', alone(container({}, { cpu: '5m', memory: '10G' })), -997],
    ['half of the machine', alone(container({ memory: String(MACHINE / 2) })), 500],
    ['all of the machine but a byte', alone(container({ memory: String(MACHINE - 1) })), 3],
    ['critical for the cluster', alone(container({}), critical('system-cluster-critical', 2e9)), 1000],
    ['critical for the node', alone(container({}), critical('system-node-critical', 2e9 + 1000)), -997],
    ['an eighth', alone(main), 875],
    ['a sidecar as large as what it serves', beside(MACHINE / 8), 875],
    ['a sidecar that is smaller', beside(MACHINE / 20), 875],
    ['a sidecar that is larger', beside(MACHINE / 2), 500],
    [
      'a share of what only the pod asks for',
      [
        container({}),
        pod([container({}), container({})], { resources: resources({ memory: String(MACHINE / 4) }) }),
      ],
      875,
    ],
  ];
  for (const [name, [one, whole], expected] of cases)
    it(name, () => assert.equal(oomScoreAdjust(whole, one, MACHINE), expected));
});

it('reads the figures of a control group', () => {
  assert.deepEqual(
    [...parseFlat('usage_usec 12\nuser_usec 7\n\n')],
    [
      ['usage_usec', 12],
      ['user_usec', 7],
    ],
  );
});
