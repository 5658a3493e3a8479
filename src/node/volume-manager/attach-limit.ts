import { errorMessage } from '../../base/index.ts';
import { VolumeAttachLimitExceededError } from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { unattachedVolumes } from './status.ts';

/**
 * What it means that a pod's volumes did not come: that the node takes no more, if its plugins say so of one that waits
 * to be attached; else the error itself. Source: WaitForAttachAndMount of the kubelet's volume manager.
 */
export async function attachLimitExceeded(
  desired: DesiredStateOfWorld,
  actual: ActualStateOfWorld,
  podUid: string,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  for (const { plugin, spec } of unattachedVolumes(desired, actual, podUid)) {
    if (!(await plugin.attacher?.verifyExhaustedResource?.(spec, signal))) continue;
    return new VolumeAttachLimitExceededError(
      `Node has reached its volume attachment limit, rejecting pod. ${errorMessage(error)}`,
      { cause: error },
    );
  }
  return error;
}
