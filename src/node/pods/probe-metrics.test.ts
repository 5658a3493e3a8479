import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Metrics } from '../../base/index.ts';
import { pod } from './fixtures.ts';
import { ProbeMetrics } from './probe-metrics.ts';

it('probes are counted by what came of them, until their pod is gone', () => {
  const metrics = new Metrics();
  const probes = new ProbeMetrics(metrics);
  const web = pod();
  const other = { ...web, metadata: { ...web.metadata, name: 'web-1', uid: 'u2' } };
  const main = { name: 'main' };
  for (const result of ['success', 'warning', 'failure', 'error'] as const)
    probes.count('Readiness', web, main, { result, output: '' });
  probes.count('Liveness', other, main, { result: 'success', output: '' });
  const lines = () =>
    metrics
      .text()
      .split('\n')
      .filter((line) => line && !line.startsWith('# HELP'));
  const of = (kind: string, result: string, name: string, uid: string) =>
    `prober_probe_total{probe_type="${kind}",result="${result}",container="main",pod="${name}",namespace="default",pod_uid="${uid}"}`;
  assert.deepEqual(lines(), [
    '# TYPE prober_probe_total counter',
    `${of('Readiness', 'successful', 'web-0', 'u1')} 2`,
    `${of('Readiness', 'failed', 'web-0', 'u1')} 1`,
    `${of('Liveness', 'successful', 'web-1', 'u2')} 1`,
  ]);
  probes.forget('u1');
  assert.equal(lines().length, 2);
  probes.forget('u2');
  assert.equal(metrics.text(), '');
});
