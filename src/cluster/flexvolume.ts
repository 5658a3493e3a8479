import type { Clock, Logger } from '../base/index.ts';
import type { Component, ComponentContext } from '../client/index.ts';
import type { Host } from '../host/index.ts';
import type { ControlPlugin, PluginProber } from '../volume/index.ts';
import {
  createFlexControlPlugin,
  createFlexVolumePlugin,
  FlexVolumeProber,
} from '../volume/plugins/flexvolume/index.ts';

/** The FlexVolume drivers of this machine, as plugins for whoever uses them. */
export interface FlexVolumes {
  forAttachDetach(context: ComponentContext): PluginProber;
  forNode(context: ComponentContext, nodeRoot: string): PluginProber;
  forExpansion(): PluginProber<ControlPlugin>;
}

/** Starts to look for drivers in a directory. */
export function openFlexVolumes(
  directory: string,
  {
    host,
    clock,
    log,
    running,
  }: { host: Host; clock: Clock; log: Logger; running: { start(component: Component): unknown } },
): FlexVolumes {
  const prober = new FlexVolumeProber({ host, directory, clock, log });
  running.start(prober);
  const plugins = (client: ComponentContext['client'], nodeRoot: string) =>
    prober.plugins((driver) => createFlexVolumePlugin(driver, { client, host, nodeRoot }));
  return {
    // It mounts nothing: no directory of a node is needed.
    forAttachDetach: ({ client }) => plugins(client, ''),
    forNode: ({ client }, nodeRoot) => plugins(client, nodeRoot),
    forExpansion: () => prober.plugins(createFlexControlPlugin),
  };
}
