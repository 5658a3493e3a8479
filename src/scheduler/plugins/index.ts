import {
  csiDrivers,
  csiNodes,
  namespaces,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  replicaSets,
  services,
  statefulSets,
  storageClasses,
  volumeAttachments,
} from '../../kube/index.ts';
import type { ConfiguredPlugin, PluginHandle } from '../plugin.ts';
import { balancedAllocation } from './balanced-allocation.ts';
import { defaultBinder } from './default-binder.ts';
import { defaultPreemption } from './default-preemption/index.ts';
import { dynamicResources } from './dynamic-resources.ts';
import { imageLocality } from './image-locality.ts';
import { interPodAffinity } from './inter-pod-affinity/index.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';
import { podTopologySpread } from './pod-topology-spread/index.ts';
import { schedulingGates } from './scheduling-gates.ts';
import { taintToleration } from './taint-toleration.ts';
import { type VolumeBindingOptions, volumeBinding } from './volume-binding/index.ts';
import { volumeRestrictions } from './volume-restrictions.ts';
import { volumeZone } from './volume-zone.ts';

export interface PluginOptions extends VolumeBindingOptions {
  /** Keep pods off nodes that lack a driver which says so (VolumeLimitScaling). @default false */
  readonly volumeLimitScaling?: boolean;
}

/**
 * The rules in the order and with the weights of kube-scheduler's default profile. A rule is added by its file and a
 * line here. `start` lets those that keep caches follow the informers until the function that it returns is called;
 * `sources` must have synced before the first pod is tried.
 */
export function defaultPlugins(
  handle: PluginHandle,
  options: PluginOptions = {},
): {
  plugins: readonly ConfiguredPlugin[];
  sources: readonly { synced: Promise<void> }[];
  start: () => () => void;
} {
  const { client, informers, cluster } = handle;
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);
  const classes = informers.of(storageClasses);
  const binding = volumeBinding(handle, options);
  const limits = nodeVolumeLimits({
    claims,
    volumes,
    classes,
    csiNodes: informers.of(csiNodes),
    attachments: informers.of(volumeAttachments),
    drivers: options.volumeLimitScaling ? informers.of(csiDrivers) : undefined,
  });
  const owners = {
    services: informers.of(services),
    replicaSets: informers.of(replicaSets),
    statefulSets: informers.of(statefulSets),
  };
  const plugins: readonly ConfiguredPlugin[] = [
    { plugin: schedulingGates() },
    { plugin: nodeUnschedulable() },
    { plugin: nodeName() },
    { plugin: taintToleration(), weight: 3 },
    { plugin: nodeAffinity(), weight: 2 },
    { plugin: nodePorts() },
    { plugin: nodeResourcesFit() },
    { plugin: volumeRestrictions({ claims, cluster }) },
    { plugin: limits },
    { plugin: binding.plugin },
    { plugin: volumeZone({ claims, volumes, classes }) },
    { plugin: podTopologySpread({ cluster, ...owners }), weight: 2 },
    { plugin: interPodAffinity({ cluster, namespaces: informers.of(namespaces) }), weight: 2 },
    { plugin: dynamicResources() },
    { plugin: defaultPreemption(handle) },
    { plugin: balancedAllocation() },
    { plugin: imageLocality({ cluster }) },
    { plugin: defaultBinder(client) },
  ];
  const sources = [...Object.values(owners), informers.of(namespaces), informers.of(podDisruptionBudgets)];
  return { plugins, sources, start: binding.start };
}
