import { aborted } from '../../base/index.ts';
import type { Component, ComponentContext } from '../../client/index.ts';
import { Code, CsiError, nodeCapabilities } from '../../csi/index.ts';
import { askDriver, untilAnswered } from '../shared/driver.ts';
import { untilStopped } from '../shared/until-stopped.ts';
import { ExpansionController } from './expansion-controller.ts';
import { ModificationController } from './modification-controller.ts';
import { type Flags, flagsOf, type ResizerOptions } from './options.ts';
import { createCsiModifier } from './volume-modifier.ts';
import { createCsiResizer, TRIVIAL_RESIZER, type VolumeResizer } from './volume-resizer.ts';

/**
 * The external-resizer of one driver: grows volumes and changes their attributes when claims ask for it. It waits until
 * the driver is there. Source: kubernetes-csi/external-resizer 2.
 */
export function createResizer(context: ComponentContext, options: ResizerOptions): Component {
  const flags = flagsOf(options);
  return untilStopped('external-resizer', (signal) => work(context, options, flags, signal));
}

async function work(
  context: ComponentContext,
  options: ResizerOptions,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, log } = context;
  const { csi, driverName } = options;
  const { timeoutMs } = flags;
  const driver = await askDriver(csi, { clock, log, signal, timeoutMs, driverName });
  const recorder = context.recorder(`external-resizer ${driver.name}`);
  const resizer = driver.controller.has('EXPAND_VOLUME')
    ? createCsiResizer({ client, csi, driver, timeoutMs })
    : await nodeResizer(context, options, timeoutMs, signal);
  const modifier = driver.controller.has('MODIFY_VOLUME')
    ? createCsiModifier({ client, csi, timeoutMs })
    : undefined;
  const shared = { driver: driver.name, recorder, flags };
  const controllers = [
    ...(resizer ? [new ExpansionController(context, { ...shared, resizer })] : []),
    ...(modifier ? [new ModificationController(context, { ...shared, modifier })] : []),
  ];
  if (controllers.length === 0) {
    log.info('the CSI driver can neither grow nor modify volumes', { driver: driver.name });
    return aborted(signal);
  }
  await Promise.all(controllers.map((controller) => controller.run(signal)));
}

/** For a driver that does nothing in the control plane; undefined when its nodes grow nothing either. */
function nodeResizer(
  { clock, log }: ComponentContext,
  { csi }: ResizerOptions,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<VolumeResizer | undefined> {
  return untilAnswered('what its nodes can do', { clock, log, signal }, async () => {
    try {
      const onNodes = await nodeCapabilities(csi, { timeoutMs, signal });
      return onNodes.has('EXPAND_VOLUME') ? TRIVIAL_RESIZER : undefined;
    } catch (error) {
      // The socket of a controller need not serve what nodes are asked.
      if (error instanceof CsiError && error.code === Code.UNIMPLEMENTED) return undefined;
      throw error;
    }
  });
}
