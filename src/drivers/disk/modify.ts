import type { Logger } from '../../base/index.ts';
import { Code, type ControllerService, CsiStatus } from '../../csi/index.ts';
import type { Attachments } from './attachments.ts';
import { type IoLimiter, type IoLimits, limitsOf } from './io-limits.ts';
import type { Pool, Volume } from './pool.ts';

export interface ModifyOptions {
  readonly pool: Pool;
  readonly attachments: Attachments;
  readonly limiter: IoLimiter;
}

/**
 * ControllerModifyVolume: the I/O limits of a volume become what the parameters say, and what they do not say is limited
 * no more. So a class can be gone back to.
 */
export function modifyHandlers({
  pool,
  attachments,
  limiter,
}: ModifyOptions): Pick<ControllerService, 'controllerModifyVolume'> {
  return {
    async controllerModifyVolume({ volumeId, mutableParameters }, { log }) {
      return pool.exclusively(volumeId, async () => {
        if (!pool.get(volumeId))
          throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist in pool ${pool.directory}`);
        const volume = await pool.change(volumeId, { limits: requestedLimits(mutableParameters) });
        const device = await attachments.device(volumeId);
        if (device) await keepLimits(limiter, volume, device, log);
        return {};
      });
    },
  };
}

/** The limits that a volume is to have; undefined when none. @throws CsiStatus INVALID_ARGUMENT */
export function requestedLimits(mutableParameters: Readonly<Record<string, string>>): IoLimits | undefined {
  const limits = limitsOf(mutableParameters);
  return Object.keys(limits).length > 0 ? limits : undefined;
}

/** Holds the device of a volume to the volume's limits, and to no others that it had. */
export async function keepLimits(
  limiter: IoLimiter,
  { id, limits }: Pick<Volume, 'id' | 'limits'>,
  device: string,
  log: Logger,
): Promise<void> {
  const kept = await limiter.apply(device, limits ?? {});
  if (limits && !kept)
    log.warn('the I/O limits of a volume are not kept: this machine has no io controller for its device', {
      volume: id,
      device,
      limits,
    });
}
