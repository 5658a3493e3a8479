import { csi } from '../../../csi/index.ts';
import { TransientOperationFailure } from '../../operation-error.ts';
import type { StatsRequest, VolumeStats } from '../../plugin.ts';
import type { CsiNodeContext } from './node-context.ts';
import { rpcErrorText } from './rpc-error.ts';
import { sourceOf } from './source.ts';
import { CSI_TIMEOUT_MS } from './timeout.ts';

const { VolumeUsage_Unit: Unit } = csi;

/** Asks the driver; undefined of one that keeps no account (GET_VOLUME_STATS). Source: csi_metrics.go of pkg/volume/csi. */
export async function csiVolumeStats(
  context: CsiNodeContext,
  { spec, podUid, path, signal }: StatsRequest,
): Promise<VolumeStats | undefined> {
  const { driver: name, handle } = sourceOf(spec, { uid: podUid });
  const driver = await context.drivers.find(name, signal).catch((error) => {
    throw new TransientOperationFailure(rpcErrorText(error), { cause: error });
  });
  const capabilities = await driver.capabilities();
  if (!capabilities.has('GET_VOLUME_STATS')) return undefined;
  const answer = await driver.client.node.nodeGetVolumeStats(
    { volumeId: handle, volumePath: path },
    { timeoutMs: CSI_TIMEOUT_MS, signal },
  );
  const tellsHealth = context.volumeHealth && capabilities.has('VOLUME_CONDITION');
  if (!tellsHealth && answer.usage.length === 0)
    throw new Error('failed to get usage from response. usage is nil');
  const { abnormal = false, message = '' } = answer.volumeCondition ?? {};
  return { ...usage(answer.usage), ...(tellsHealth ? { condition: { abnormal, message } } : {}) };
}

/** In numbers; 0 for what the driver does not tell, as upstream. */
export function usage(told: readonly csi.VolumeUsage[]): VolumeStats {
  let stats = { available: 0, capacity: 0, used: 0, inodesFree: 0, inodes: 0, inodesUsed: 0 };
  for (const { unit, available, total, used } of told) {
    const [free, all, taken] = [Number(available), Number(total), Number(used)];
    if (unit === Unit.BYTES) stats = { ...stats, available: free, capacity: all, used: taken };
    if (unit === Unit.INODES) stats = { ...stats, inodesFree: free, inodes: all, inodesUsed: taken };
  }
  return stats;
}
