import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type NodeFacts, nodeObject, nodeStatus, statusDiffers } from './node-object.ts';

const facts: NodeFacts = {
  name: 'node-1',
  labels: { 'topology.kubernetes.io/zone': 'a' },
  info: {
    hostname: 'host',
    architecture: 'amd64',
    kernelVersion: '6.1',
    osImage: 'Debian',
    machineId: 'm',
    bootId: 'b',
    cpus: 2,
    memoryBytes: 1024 * 1024 * 1024,
  },
  address: '127.0.0.1',
  port: 10250,
  storageBytes: 1000n * 1024n,
  kubeletVersion: 'v1.36.2',
  runtimeVersion: 'stowage://0.1.0',
  nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
};

describe('the Node object', () => {
  it('has the labels that volumes are placed by', () =>
    assert.deepEqual(nodeObject(facts).metadata?.labels, {
      'kubernetes.io/hostname': 'node-1',
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      'beta.kubernetes.io/os': 'linux',
      'beta.kubernetes.io/arch': 'amd64',
      'topology.kubernetes.io/zone': 'a',
    }));

  it('keeps back what eviction would', () => {
    const { capacity, allocatable } = nodeStatus(facts, undefined);
    assert.deepEqual(capacity, { cpu: '2', memory: '1Gi', 'ephemeral-storage': '1000Ki', pods: '110' });
    assert.deepEqual(allocatable, { cpu: '2', memory: '924Mi', 'ephemeral-storage': '921600', pods: '110' });
  });

  it('tells what its runtime can do', () => {
    const { features, runtimeHandlers } = nodeStatus(facts, undefined);
    assert.deepEqual(features, { supplementalGroupsPolicy: true });
    assert.deepEqual(runtimeHandlers, [
      { features: { recursiveReadOnlyMounts: true, userNamespaces: false } },
    ]);
  });

  it('has beating conditions that keep the time of their last change', () => {
    const first = nodeStatus(facts, undefined);
    const second = nodeStatus({ ...facts, nowMs: facts.nowMs + 60_000 }, first);
    const ready = second.conditions?.find(({ type }) => type === 'Ready');
    assert.deepEqual(ready, {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      message: 'kubelet is posting ready status',
      lastHeartbeatTime: '2026-01-02T03:05:05Z',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    });
  });

  it('differs from the server when a condition was changed there, not for its heartbeat', () => {
    const status = nodeStatus(facts, undefined);
    const later = { ...facts, nowMs: facts.nowMs + 10_000 };
    assert.equal(statusDiffers(nodeStatus(later, status), status), false);
    const givenUp = status.conditions!.map((one) => ({
      ...one,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
    }));
    const server = { ...status, conditions: givenUp };
    assert.equal(statusDiffers(nodeStatus(later, server), server), true);
  });

  it('names no volumes: they are for others to tell', () =>
    assert.ok(!('volumesInUse' in nodeStatus(facts, undefined))));
});
