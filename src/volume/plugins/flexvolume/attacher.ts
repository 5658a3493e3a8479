import type { Attacher } from '../../plugin.ts';
import type { FlexDriver } from './driver.ts';
import { driverOptions } from './options.ts';
import { checkVolumeName } from './volume-name.ts';

/** Attaches by the driver; one that supports none of it is thought to have attached. Source: attacher.go, detacher.go. */
export function createFlexAttacher(driver: FlexDriver): Attacher {
  return {
    canAttach: () => driver.capabilities.attach,
    async attach(spec, nodeName, signal) {
      await checkVolumeName(driver, spec, signal);
      const status = await driver.call('attach', [driverOptions(spec), nodeName], { signal });
      return status?.device ?? '';
    },
    async detach(volumeName, nodeName, signal) {
      await driver.call('detach', [volumeName, nodeName], { signal });
    },
    async waitForAttach(spec, _nodeName, devicePath, signal) {
      const status = await driver.call('waitforattach', [devicePath, driverOptions(spec)], { signal });
      return status ? status.device : devicePath;
    },
    async isAttached(spec, nodeName, signal) {
      const status = await driver.call('isattached', [driverOptions(spec), nodeName], { signal });
      return status?.attached ?? true;
    },
  };
}
