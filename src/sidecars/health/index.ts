import { aborted } from '../../base/index.ts';
import { type Component, type ComponentContext, Informers } from '../../client/index.ts';
import { askDriver, type Driver } from '../shared/driver.ts';
import { untilStopped } from '../shared/until-stopped.ts';
import { NodeWatcher } from './node-watcher.ts';
import { flagsOf, type HealthMonitorOptions } from './options.ts';
import { VolumeMonitor } from './volume-monitor.ts';

export type { HealthMonitorOptions } from './options.ts';

/** Whether a driver says how its volumes are. */
export function tellsConditions({ controller }: Pick<Driver, 'controller'>): boolean {
  return (
    controller.has('VOLUME_CONDITION') && (controller.has('LIST_VOLUMES') || controller.has('GET_VOLUME'))
  );
}

/**
 * The external health monitor of one driver: tells claims when their volume is not well, and when their node fails. It
 * waits until the driver is there. Source: kubernetes-csi/external-health-monitor.
 */
export function createHealthMonitor(context: ComponentContext, options: HealthMonitorOptions): Component {
  const flags = flagsOf(options);
  const { clock, log, informers } = context;
  return untilStopped('external-health-monitor', async (signal) => {
    const { driverName } = options;
    const { timeoutMs } = flags;
    const driver = await askDriver(options.csi, { clock, log, signal, timeoutMs, driverName });
    if (!tellsConditions(driver)) {
      log.info('the CSI driver does not tell how its volumes are', { driver: driver.name });
      return await aborted(signal);
    }
    const recorder = context.recorder(`csi-pv-monitor-controller-${driver.name}`);
    const monitor = new VolumeMonitor(context, options.csi, driver.name, recorder, flags);
    const watcher = flags.enableNodeWatcher
      ? new NodeWatcher({
          informers,
          recorder,
          clock,
          intervalMs: flags.nodeListAddIntervalMs,
          claims: () => monitor.boundClaims(),
        })
      : undefined;
    await Informers.synced(signal, ...monitor.informers, ...(watcher?.informers ?? []));
    if (signal.aborted) return;
    await Promise.all([
      driver.controller.has('LIST_VOLUMES') ? monitor.runByList(signal) : monitor.runOneByOne(signal),
      watcher?.run(signal),
    ]);
  });
}
