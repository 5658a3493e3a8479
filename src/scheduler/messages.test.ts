import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { persistentVolumeClaims, storageClasses } from '../kube/index.ts';
import { type NodeFixture, newClaim, newClass, type PodFixture, type VolumeFixture } from './fixtures.ts';
import { startScheduler } from './test-support.ts';

// The whole message, as users see it in the event and in the PodScheduled condition, for each plugin's reason.

interface Case {
  readonly what: string;
  readonly nodes: Readonly<Record<string, NodeFixture>>;
  /** Placed before the pod in question, each on the node that it names. */
  readonly placed?: Readonly<Record<string, PodFixture>>;
  readonly volumes?: Readonly<Record<string, VolumeFixture>>;
  readonly claims?: readonly ReturnType<typeof newClaim>[];
  readonly pod: PodFixture;
  readonly says: string;
}

const helpless = (nodes: number) =>
  `no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`;
const nobody = (nodes: number) =>
  `no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${nodes} No preemption victims found for incoming pod.`;
const one = (reason: string, tail: string) => `0/1 nodes are available: 1 ${reason}. ${tail}`;
const app = (name: string) => ({
  topologyKey: 'kubernetes.io/hostname',
  labelSelector: { matchLabels: { app: name } },
});

const CASES: readonly Case[] = [
  {
    what: 'taints',
    nodes: { n1: { taints: [{ key: 'k', effect: 'NoSchedule' }] } },
    pod: {},
    says: one('node(s) had untolerated taint(s)', helpless(1)),
  },
  {
    what: 'a cordon',
    nodes: { n1: { unschedulable: true } },
    pod: {},
    says: one('node(s) were unschedulable', helpless(1)),
  },
  {
    what: 'a node selector',
    nodes: { n1: {} },
    pod: { nodeSelector: { a: 'b' } },
    says: one("node(s) didn't match Pod's node affinity/selector", helpless(1)),
  },
  {
    what: 'more than the node has',
    nodes: { n1: {} },
    pod: { requests: { cpu: '100', memory: '1Ti' } },
    says: `0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. ${helpless(1)}`,
  },
  {
    what: 'more than the node has left',
    nodes: { n1: {} },
    placed: { p: { requests: { cpu: '4' } } },
    pod: { requests: { cpu: '1' } },
    says: one('Insufficient cpu', nobody(1)),
  },
  {
    what: 'too many pods',
    nodes: { n1: { allocatable: { pods: '1' } } },
    placed: { p: {} },
    pod: {},
    says: one('Too many pods', nobody(1)),
  },
  {
    what: 'a host port',
    nodes: { n1: {} },
    placed: { p: { ports: [{ hostPort: 80 }] } },
    pod: { ports: [{ hostPort: 80 }] },
    says: one("node(s) didn't have free ports for the requested pod ports", nobody(1)),
  },
  {
    what: 'affinity',
    nodes: { n1: {} },
    pod: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [app('db')] } } },
    says: one("node(s) didn't match pod affinity rules", helpless(1)),
  },
  {
    what: 'anti-affinity',
    nodes: { n1: {} },
    placed: { p: { labels: { app: 'db' } } },
    pod: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [app('db')] } } },
    says: one("node(s) didn't match pod anti-affinity rules", nobody(1)),
  },
  {
    what: 'the anti-affinity of who is there',
    nodes: { n1: {} },
    placed: {
      p: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [app('db')] } } },
    },
    pod: { labels: { app: 'db' } },
    says: one("node(s) didn't satisfy existing pods anti-affinity rules", nobody(1)),
  },
  {
    what: 'spread',
    nodes: { n1: { labels: { zone: 'a' } }, n2: {} },
    placed: { p: { labels: { app: 'db' }, nodeSelector: { zone: 'a' } } },
    pod: {
      labels: { app: 'db' },
      topologySpreadConstraints: [
        {
          ...app('db'),
          topologyKey: 'zone',
          maxSkew: 1,
          minDomains: 2,
          whenUnsatisfiable: 'DoNotSchedule',
        },
      ],
    },
    says:
      "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label). " +
      'no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
  },
  {
    what: 'no volume to bind',
    nodes: { n1: {} },
    claims: [newClaim('data')],
    pod: { claims: ['data'] },
    says: one("node(s) didn't find available persistent volumes to bind", helpless(1)),
  },
  {
    what: 'a volume elsewhere',
    nodes: { n1: {} },
    volumes: { far: { reach: ['zone', 'z'] } },
    claims: [newClaim('data', { boundTo: 'far' })],
    pod: { claims: ['data'] },
    says: one("node(s) didn't match PersistentVolume's node affinity", helpless(1)),
  },
  {
    what: 'a volume that is gone',
    nodes: { n1: {} },
    claims: [newClaim('data', { boundTo: 'gone' })],
    pod: { claims: ['data'] },
    says: `0/1 nodes are available: persistentvolume "gone" not found. not found`,
  },
  {
    what: 'a volume of another zone',
    nodes: { n1: { labels: { 'topology.kubernetes.io/zone': 'a' } } },
    volumes: { far: { labels: { 'topology.kubernetes.io/zone': 'b' } } },
    claims: [newClaim('data', { boundTo: 'far' })],
    pod: { claims: ['data'] },
    says: one('node(s) had no available volume zone', helpless(1)),
  },
  {
    what: 'a claim that is not there',
    nodes: { n1: {}, n2: {} },
    pod: { claims: ['data'] },
    says: `0/2 nodes are available: persistentvolumeclaim "data" not found. not found`,
  },
];

describe('the message for', () => {
  for (const { what, nodes, placed = {}, volumes = {}, claims = [], pod, says } of CASES) {
    it(what, async (test) => {
      const stack = await startScheduler(test);
      await stack.create(storageClasses, newClass('late', { provisioner: 'kubernetes.io/no-provisioner' }));
      for (const [name, fixture] of Object.entries(nodes)) await stack.node(name, fixture);
      for (const [name, fixture] of Object.entries(placed)) {
        await stack.pod(name, fixture);
        await stack.placed(name);
      }
      for (const [name, fixture] of Object.entries(volumes)) await stack.volume(name, fixture);
      for (const claim of claims) await stack.create(persistentVolumeClaims, claim);
      await stack.until('the claims are known', () =>
        claims.every(({ metadata: { name } }) =>
          stack.informers.of(persistentVolumeClaims).get(name, 'default'),
        ),
      );
      await stack.pod('asked', pod);
      assert.equal(await stack.refused('asked'), says);
      assert.equal((await stack.messages('FailedScheduling')).at(-1), says);
    });
  }
});
