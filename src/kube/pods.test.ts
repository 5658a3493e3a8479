import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPodTerminated, qosClass } from './pods.ts';
import type { Pod, PodSpec } from './types.ts';

describe('qosClass', () => {
  const spec = (...resources: object[]): PodSpec => ({
    containers: resources.map((each, index) => ({ name: `c${index}`, resources: each })),
  });
  const whole = { limits: { cpu: '1', memory: '1Gi' } };
  const cases: [fact: string, spec: PodSpec, expected: string][] = [
    ['asks for nothing', spec({}), 'BestEffort'],
    ['asks for none of what counts', spec({ requests: { 'ephemeral-storage': '1Gi' } }), 'BestEffort'],
    ['asks for zero', spec({ requests: { cpu: '0' } }), 'BestEffort'],
    ['requests only', spec({ requests: { cpu: '1' } }), 'Burstable'],
    ['limits all', spec(whole), 'Guaranteed'],
    ['requests what it limits, in other words', spec({ ...whole, requests: { cpu: '1000m' } }), 'Guaranteed'],
    ['requests less than it limits', spec({ ...whole, requests: { cpu: '500m' } }), 'Burstable'],
    ['has one container that limits nothing', spec(whole, {}), 'Burstable'],
    ['limits all itself', { ...spec({}), resources: whole }, 'Guaranteed'],
    [
      'requests itself, whatever its containers limit',
      { ...spec(whole), resources: { requests: { cpu: '1' } } },
      'Burstable',
    ],
  ];
  for (const [fact, given, expected] of cases) {
    it(`is ${expected} for a pod that ${fact}`, () => assert.equal(qosClass(given), expected));
  }
});

describe('isPodTerminated', () => {
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const running = { name: 'c', state: { running: {} } };
  const ended = { name: 'c', state: { terminated: { exitCode: 0 } } };
  const cases: [fact: string, pod: object, expected: boolean][] = [
    ['runs', { status: { phase: 'Running' } }, false],
    ['has succeeded', { status: { phase: 'Succeeded' } }, true],
    ['has failed', { status: { phase: 'Failed' } }, true],
    [
      'goes, a container still running',
      { metadata: { deletionTimestamp }, status: { containerStatuses: [ended, running] } },
      false,
    ],
    [
      'goes, an init container still running',
      { metadata: { deletionTimestamp }, status: { initContainerStatuses: [running] } },
      false,
    ],
    [
      'goes, all containers ended',
      { metadata: { deletionTimestamp }, status: { containerStatuses: [ended] } },
      true,
    ],
    ['goes, never started', { metadata: { deletionTimestamp } }, true],
  ];
  for (const [fact, pod, expected] of cases) {
    it(`is ${expected} of a pod that ${fact}`, () => assert.equal(isPodTerminated(pod as Pod), expected));
  }
});
