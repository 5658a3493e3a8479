import { type Component, type ComponentContext, Informers } from '../../client/index.ts';
import { askDriver } from '../shared/driver.ts';
import { ClaimProvisioner } from './claim-provisioner.ts';
import { flagsOf, type ProvisionerOptions } from './options.ts';
import { SourceProtection } from './source-protection.ts';
import { VolumeDeleter } from './volume-deleter.ts';
import { VolumeMaker } from './volume-maker.ts';

/**
 * The external-provisioner of one driver: makes volumes for claims and deletes them when they are released. It waits
 * until the driver is there. Source: kubernetes-csi/external-provisioner 6.
 */
export function createProvisioner(context: ComponentContext, options: ProvisionerOptions): Component {
  const flags = flagsOf(options);
  return {
    name: 'external-provisioner',
    async start(signal) {
      try {
        const { clock, log } = context;
        const { timeoutMs } = flags;
        const asking = { clock, log, signal, timeoutMs, driverName: options.driverName };
        const driver = await askDriver(options.csi, asking);
        const recorder = context.recorder(`${driver.name}_${context.random.uuid()}`);
        const maker = new VolumeMaker(context, options.csi, driver, flags);
        const claims = new ClaimProvisioner(context, driver, flags, maker, recorder);
        const volumes = new VolumeDeleter(context, options.csi, driver, flags, recorder);
        const sources = new SourceProtection(context, driver);
        const parts = [claims, volumes, sources];
        const informers = [maker, ...parts].flatMap((part) => part.informers);
        await Informers.synced(signal, ...informers);
        await Promise.all(parts.map((part) => part.run(signal)));
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}
