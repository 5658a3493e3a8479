import type { Clock } from '../../base/index.ts';
import { Code, type ControllerService, CsiStatus } from '../../csi/index.ts';
import { sizeFits } from '../shared/capacity.ts';
import { checkCapabilities, unsupported } from './capability.ts';
import { type Location, newLocation, parseVolumeId, volumeIdOf } from './location.ts';
import { orCsiStatus } from './or-csi-status.ts';
import type { VolumeRecord } from './record.ts';
import { S3 } from './s3/index.ts';
import { accountOf, classOf, locationOf } from './settings.ts';
import { Volumes } from './volumes.ts';

export interface ControllerOptions {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

const PROVISIONER_SECRET = 'csi.storage.k8s.io/provisioner-secret-name and -namespace of the class';

/** The controller service: buckets, and prefixes in them. It keeps nothing: what it knows is in the object store. */
export function ossController({ fetch, clock }: ControllerOptions): ControllerService {
  const volumesFor = (secrets: Readonly<Record<string, string>>, signal: AbortSignal) =>
    new Volumes(new S3(accountOf(secrets, PROVISIONER_SECRET), { fetch, clock, signal }));

  return {
    capabilities: ['SINGLE_NODE_MULTI_WRITER'],

    async createVolume({ name, parameters, volumeCapabilities, capacityRange, secrets }, { signal }) {
      checkCapabilities(volumeCapabilities);
      const { within, context } = classOf(parameters);
      const location = newLocation(name, within);
      const capacityBytes = capacityRange?.requiredBytes ?? 0n;
      const volumes = volumesFor(secrets, signal);
      const record = { name, capacityBytes: `${capacityBytes}`, context };
      const present = await orCsiStatus(() => volumes.create(location, record));
      if (present) checkSame(location, present, { ...record, range: capacityRange });
      return {
        volume: {
          volumeId: volumeIdOf(location),
          capacityBytes: BigInt(present?.capacityBytes ?? capacityBytes),
          volumeContext: { ...context },
        },
      };
    },

    async deleteVolume({ volumeId, secrets }, { signal }) {
      const location = parseVolumeId(volumeId);
      if (!location) return {};
      const volumes = volumesFor(secrets, signal);
      await orCsiStatus(() => volumes.delete(location));
      return {};
    },

    async validateVolumeCapabilities(request, { signal }) {
      const { volumeId, volumeContext, volumeCapabilities, parameters, secrets } = request;
      const location = locationOf(volumeId, volumeContext);
      const volumes = volumesFor(secrets, signal);
      if (!(await orCsiStatus(() => volumes.exists(location))))
        throw new CsiStatus(
          Code.NOT_FOUND,
          `volume ${volumeId}: there is no such bucket, or nothing below its prefix`,
        );
      const why = volumeCapabilities.map(unsupported).find((text) => text !== undefined);
      if (why !== undefined) return { message: `cannot serve ${why}` };
      classOf(parameters);
      return { confirmed: { volumeContext, volumeCapabilities, parameters } };
    },
  };
}

/** @throws CsiStatus ALREADY_EXISTS if the volume of an earlier call with this name is not what this one asks for. */
function checkSame(
  location: Location,
  present: Partial<VolumeRecord>,
  asked: Pick<VolumeRecord, 'name' | 'context'> & { range: Parameters<typeof sizeFits>[1] },
): void {
  const { name, capacityBytes, context } = present;
  const isSame =
    name === asked.name &&
    sizeFits(BigInt(capacityBytes ?? 0), asked.range) &&
    JSON.stringify(context) === JSON.stringify(asked.context);
  if (isSame) return;
  throw new CsiStatus(
    Code.ALREADY_EXISTS,
    `${volumeIdOf(location)} exists as ${JSON.stringify({ name, capacityBytes, ...context })}, which is not what is asked now`,
  );
}
