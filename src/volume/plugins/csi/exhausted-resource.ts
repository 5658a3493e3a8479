import { Code } from '../../../csi/index.ts';
import { volumeAttachments } from '../../../kube/index.ts';
import type { VolumeSpec } from '../../plugin.ts';
import { allocatableUpdatePeriodMs } from './csi-driver-policy.ts';
import { attachmentName } from './names.ts';
import type { CsiNodeContext } from './node-context.ts';

/**
 * Whether the volume could not be attached because the node takes no more of the driver's. The driver is then asked how
 * many it takes now, so that the scheduler learns of it. Only of drivers that want to be asked at all
 * (nodeAllocatableUpdatePeriodSeconds). Source: VerifyExhaustedResource of pkg/volume/csi.
 */
export async function verifyExhaustedResource(
  context: CsiNodeContext,
  spec: VolumeSpec,
  signal: AbortSignal,
): Promise<boolean> {
  const source = spec.persistentVolume?.spec?.csi;
  if (!source || allocatableUpdatePeriodMs(context.csiDriver(source.driver)) === undefined) return false;
  const name = attachmentName(source.volumeHandle, source.driver, context.nodeName);
  // Who does not know whether the node is full does not say so.
  const attachment = await context.client.get(volumeAttachments, { name }, { signal }).catch(() => undefined);
  if (attachment?.status?.attachError?.errorCode !== Code.RESOURCE_EXHAUSTED) return false;
  // It is full, whether or not the driver can be asked.
  await context.drivers
    .get(source.driver)
    ?.updateNodeInfo(signal)
    .catch(() => undefined);
  return true;
}
