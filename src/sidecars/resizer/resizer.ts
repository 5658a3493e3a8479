import { type Component, type ComponentContext, Informers } from '../../client/index.ts';
import { nodeCapabilities } from '../../csi/index.ts';
import { askDriver, type Driver } from '../shared/driver.ts';
import { ExpansionController } from './expansion-controller.ts';
import { type Flags, flagsOf, type ResizerOptions } from './options.ts';
import { createCsiResizer, TRIVIAL_RESIZER, type VolumeResizer } from './volume-resizer.ts';

/**
 * The external-resizer of one driver: grows volumes and changes their attributes when claims ask for it. It waits until
 * the driver is there. Source: kubernetes-csi/external-resizer 2.
 */
export function createResizer(context: ComponentContext, options: ResizerOptions): Component {
  const flags = flagsOf(options);
  return {
    name: 'external-resizer',
    async start(signal) {
      try {
        const { clock, log } = context;
        const driver = await askDriver(options.csi, { clock, log, signal, timeoutMs: flags.timeoutMs });
        const recorder = context.recorder(`external-resizer ${driver.name}`);
        const resizer = await resizerOf(context, options, driver, flags, signal);
        const controllers = [
          ...(resizer
            ? [new ExpansionController(context, { driver: driver.name, resizer, recorder, flags })]
            : []),
        ];
        if (controllers.length === 0) {
          log.info('the CSI driver can neither grow nor modify volumes', { driver: driver.name });
          return;
        }
        await Informers.synced(signal, ...controllers.flatMap(({ informers }) => informers));
        if (signal.aborted) return;
        await Promise.all(controllers.map((controller) => controller.run(signal)));
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}

/** How the driver's volumes grow; undefined when they do not (NewResizerFromClient). */
async function resizerOf(
  { client }: ComponentContext,
  { csi }: ResizerOptions,
  driver: Driver,
  { timeoutMs }: Flags,
  signal: AbortSignal,
): Promise<VolumeResizer | undefined> {
  if (driver.controller.has('EXPAND_VOLUME')) return createCsiResizer({ client, csi, driver, timeoutMs });
  const onNodes = await nodeCapabilities(csi, { timeoutMs, signal });
  return onNodes.has('EXPAND_VOLUME') ? TRIVIAL_RESIZER : undefined;
}
