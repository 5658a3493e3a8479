import { aborted, errorMessage, sleep } from '../../base/index.ts';
import { type Component, type ComponentContext, Informers } from '../../client/index.ts';
import { Code, CsiError, nodeCapabilities } from '../../csi/index.ts';
import { askDriver, type Driver } from '../shared/driver.ts';
import { ExpansionController } from './expansion-controller.ts';
import { ModificationController } from './modification-controller.ts';
import { type Flags, flagsOf, type ResizerOptions } from './options.ts';
import { createCsiModifier } from './volume-modifier.ts';
import { createCsiResizer, TRIVIAL_RESIZER, type VolumeResizer } from './volume-resizer.ts';

/** How long to wait after a driver did not say what its nodes can do. */
const BETWEEN_QUESTIONS_MS = 1_000;

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
        await work(context, options, flags, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}

async function work(
  context: ComponentContext,
  options: ResizerOptions,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, log } = context;
  const { csi } = options;
  const { timeoutMs } = flags;
  const driver = await askDriver(csi, { clock, log, signal, timeoutMs });
  const recorder = context.recorder(`external-resizer ${driver.name}`);
  const resizer = driver.controller.has('EXPAND_VOLUME')
    ? createCsiResizer({ client, csi, driver, timeoutMs })
    : await nodeResizer(context, options, driver, timeoutMs, signal);
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
  await Informers.synced(signal, ...controllers.flatMap(({ informers }) => informers));
  await Promise.all(controllers.map((controller) => controller.run(signal)));
}

/** For a driver that does nothing in the control plane; undefined when its nodes grow nothing either. */
async function nodeResizer(
  { clock, log }: ComponentContext,
  { csi }: ResizerOptions,
  { name }: Driver,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<VolumeResizer | undefined> {
  for (;;) {
    try {
      const onNodes = await nodeCapabilities(csi, { timeoutMs, signal });
      return onNodes.has('EXPAND_VOLUME') ? TRIVIAL_RESIZER : undefined;
    } catch (error) {
      signal.throwIfAborted();
      // The socket of a controller need not serve what nodes are asked.
      if (error instanceof CsiError && error.code === Code.UNIMPLEMENTED) return undefined;
      const why = errorMessage(error);
      log.warn('the CSI driver did not say what its nodes can do; asking again', {
        driver: name,
        error: why,
      });
      await sleep(clock, BETWEEN_QUESTIONS_MS, signal);
    }
  }
}
