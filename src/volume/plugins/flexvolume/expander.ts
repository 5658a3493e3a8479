import type { Host } from '../../../host/index.ts';
import { quantityValue } from '../../../kube/index.ts';
import type { ControlPlugin } from '../../control-plugin.ts';
import { growFileSystem } from '../../mount/index.ts';
import type { NodeExpander } from '../../plugin.ts';
import type { FlexDriver } from './driver.ts';
import { driverOptions } from './options.ts';
import { relativeDeviceMountPath } from './paths.ts';
import { flexDriverOf } from './source.ts';
import { checkVolumeName } from './volume-name.ts';

const bytes = (quantity: string) => quantityValue(quantity).toString();

/** A driver as the control plane sees it: it can grow volumes. Source: expander.go, pkg/volume/flexvolume. */
export function createFlexControlPlugin(driver: FlexDriver): ControlPlugin {
  return {
    name: driver.name,
    canSupport: (spec) => flexDriverOf(spec) === driver.name,
    expander: {
      get requiresFileSystemExpansion() {
        return driver.capabilities.requiresFSResize;
      },
      async expand(spec, newSize, oldSize, signal) {
        await checkVolumeName(driver, spec, signal);
        const at = relativeDeviceMountPath(driver.name, spec.name);
        // One that does not support it is thought to have grown the volume.
        const args = [driverOptions(spec), at, bytes(newSize), bytes(oldSize)];
        await driver.call('expandvolume', args, { signal });
        return newSize;
      },
    },
  };
}

/** Grows file systems on the node, by the driver or, where it does not, by ourselves. */
export function createFlexNodeExpander(driver: FlexDriver, host: Host): NodeExpander {
  return {
    requiresExpansion: () => driver.capabilities.requiresFSResize,
    async expand({ spec, devicePath, mountPath, newSize, oldSize, signal }) {
      if (!spec.persistentVolume) throw new Error(`PersistentVolume not found for spec: ${spec.name}`);
      const args = [driverOptions(spec), devicePath, mountPath, bytes(newSize), bytes(oldSize)];
      const done = await driver.call('expandfs', args, { signal });
      if (!done) await growFileSystem(host, devicePath, mountPath);
    },
  };
}
