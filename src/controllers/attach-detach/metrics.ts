import type { Counter, LabelValues, Metrics } from '../../base/index.ts';
import type { Lister } from '../../client/index.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import { type PluginRegistry, qualifiedPluginName, type VolumeSpec } from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { createVolumeSpec, type VolumeListers } from './volume-spec.ts';

export interface MetricsSources {
  readonly desired: DesiredStateOfWorld;
  readonly actual: ActualStateOfWorld;
  readonly plugins: PluginRegistry;
  readonly listers: VolumeListers;
  readonly pods: Pick<Lister<Stored<Pod>>, 'values'>;
}

/** What the controller tells of itself. Returns the counter of forced detaches, by reason. Source: attachdetach/metrics. */
export function addAttachDetachMetrics(metrics: Metrics, sources: MetricsSources): Counter {
  const { desired, actual, plugins, listers, pods } = sources;
  /** Undefined for what no plugin here knows. */
  const pluginOf = (spec: VolumeSpec): string | undefined => {
    try {
      return qualifiedPluginName(plugins.findBySpec(spec), spec);
    } catch {
      return undefined;
    }
  };
  metrics.gauge(
    {
      name: 'attachdetach_controller_total_volumes',
      help: '[ALPHA] Number of volumes in A/D Controller',
      labels: ['plugin_name', 'state'],
    },
    () =>
      counted([
        ...desired.volumesToAttach().map(({ spec }) => [pluginOf(spec), 'desired_state_of_world']),
        ...actual.attachedVolumes().map(({ spec }) => [spec && pluginOf(spec), 'actual_state_of_world']),
      ]),
  );
  metrics.gauge(
    {
      name: 'storage_count_attachable_volumes_in_use',
      help: '[ALPHA] Measure number of volumes in use',
      labels: ['node', 'volume_plugin'],
    },
    () =>
      counted(
        [...pods.values()].flatMap((pod) => {
          const { nodeName, volumes = [] } = pod.spec ?? {};
          return nodeName ? volumes.map((volume) => [nodeName, pluginOfVolume(pod, volume)]) : [];
        }),
      ),
  );
  // Upstream's subsystem and name, one after the other.
  return metrics.counter({
    name: 'attach_detach_controller_attachdetach_controller_forced_detaches',
    help: '[ALPHA] Number of times the A/D Controller performed a forced detach',
    labels: ['reason'],
  });

  function pluginOfVolume(
    pod: Stored<Pod>,
    volume: Parameters<typeof createVolumeSpec>[1],
  ): string | undefined {
    try {
      return pluginOf(createVolumeSpec(pod, volume, listers));
    } catch {
      // Not bound yet, or not there.
      return undefined;
    }
  }
}

/** How often each pair comes; those that are not whole do not count. */
function* counted(
  pairs: readonly (readonly (string | undefined)[])[],
): Iterable<readonly [LabelValues, number]> {
  const whole = pairs.filter((pair): pair is string[] => !pair.includes(undefined));
  for (const [key, same] of Map.groupBy(whole, (pair) => pair.join('\0')))
    yield [key.split('\0'), same.length];
}
