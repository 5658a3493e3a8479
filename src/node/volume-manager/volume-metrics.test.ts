import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, Metrics } from '../../base/index.ts';
import type { VolumePlugin, VolumeSpec } from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { createVolumeMetrics } from './volume-metrics.ts';

const plugin = { name: 'kubernetes.io/csi' } as VolumePlugin;
const spec = {
  name: 'pv',
  readOnly: false,
  persistentVolume: { metadata: { name: 'pv' }, spec: { csi: { driver: 'd.example.com' } } },
} as unknown as VolumeSpec;

describe('the metrics of the volume manager', () => {
  it('tell of operations, volumes and what was found on disk, by upstream’s names', async () => {
    const clock = new FakeClock();
    const metrics = new Metrics();
    const volume = { plugin, spec };
    const worlds = {
      desired: { volumesToMount: () => [volume, { plugin: { name: 'x' }, spec: { name: 'v' } }] },
      actual: {
        podMounts: () => [
          { ...volume, state: 'mounted' },
          { ...volume, state: 'uncertain' },
        ],
      },
    } as unknown as { desired: DesiredStateOfWorld; actual: ActualStateOfWorld };
    const counts = createVolumeMetrics(metrics, clock, worlds);
    await counts.timed(plugin, spec, 'volume_mount', () => clock.advance(200));
    const failing = async () => {
      throw new Error('no');
    };
    await assert.rejects(
      counts.timed(plugin, { ...spec, isMigrated: true }, 'volume_mount', failing),
      /^Error: no$/,
    );
    const askedAtMs = clock.monotonic();
    await clock.advance(2_000);
    counts.mounted(plugin, spec, askedAtMs);
    counts.reconstructed(3, 1);
    counts.forceCleaned(true);
    counts.forceCleaned(false);
    counts.orphansSwept(2, 1);
    const lines = metrics.text().split('\n');
    const csi = 'volume_plugin="kubernetes.io/csi:d.example.com",operation_name="volume_mount"';
    for (const line of [
      `storage_operation_duration_seconds_bucket{${csi},status="success",migrated="false",le="0.1"} 0`,
      `storage_operation_duration_seconds_bucket{${csi},status="success",migrated="false",le="0.25"} 1`,
      `storage_operation_duration_seconds_count{${csi},status="fail-unknown",migrated="true"} 1`,
      'volume_operation_total_seconds_sum{plugin_name="kubernetes.io/csi:d.example.com",operation_name="overall_volume_mount"} 2',
      'volume_manager_total_volumes{plugin_name="kubernetes.io/csi:d.example.com",state="actual_state_of_world"} 1',
      'volume_manager_total_volumes{plugin_name="kubernetes.io/csi:d.example.com",state="desired_state_of_world"} 1',
      'volume_manager_total_volumes{plugin_name="x",state="desired_state_of_world"} 1',
      'reconstruct_volume_operations_total 3',
      'reconstruct_volume_operations_errors_total 1',
      'force_cleaned_failed_volume_operations_total 2',
      'force_cleaned_failed_volume_operation_errors_total 1',
      'kubelet_orphan_pod_cleaned_volumes 2',
      'kubelet_orphan_pod_cleaned_volumes_errors 1',
    ])
      assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`);
  });
});
