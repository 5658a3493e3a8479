import { create } from '@bufbuild/protobuf';
import { Code } from '../codes.ts';
import {
  type CreateSnapshotRequest,
  type CreateVolumeGroupSnapshotRequest,
  type CreateVolumeRequest,
  type Snapshot,
  SnapshotSchema,
  type Topology,
  type Volume,
  type VolumeContentSource,
  type VolumeGroupSnapshot,
  VolumeGroupSnapshotSchema,
  VolumeSchema,
} from '../generated/csi_pb.js';
import { CsiStatus } from '../status.ts';
import type { ControllerService, CsiServices, GroupControllerService } from './handlers.ts';

/**
 * The creates of an author who can tell what a name has made already: a call that comes again is answered with that,
 * and with ALREADY_EXISTS where it asks for something else; the author's own create sees new names only.
 * Source: CSI specification, the error tables of the three.
 * @throws Error for a lookup without its create.
 */
export function onceByName({ controller, groupController }: CsiServices): {
  readonly controller: Pick<ControllerService, 'createVolume' | 'createSnapshot'>;
  readonly groupController: Pick<GroupControllerService, 'createVolumeGroupSnapshot'>;
} {
  needs(controller, 'volumeByName', 'createVolume');
  needs(controller, 'snapshotByName', 'createSnapshot');
  needs(groupController, 'groupSnapshotByName', 'createVolumeGroupSnapshot');
  return {
    controller: {
      ...(controller?.volumeByName && {
        async createVolume(request, context) {
          const found = await controller.volumeByName!(request, context);
          if (!found) return controller.createVolume!(request, context);
          const volume = create(VolumeSchema, found);
          refuse(`volume ${request.name}`, volumeDifference(request, volume));
          return { volume };
        },
      }),
      ...(controller?.snapshotByName && {
        async createSnapshot(request, context) {
          const found = await controller.snapshotByName!(request, context);
          if (!found) return controller.createSnapshot!(request, context);
          const snapshot = create(SnapshotSchema, found);
          refuse(`snapshot ${request.name}`, snapshotDifference(request, snapshot));
          return { snapshot };
        },
      }),
    },
    groupController: {
      ...(groupController?.groupSnapshotByName && {
        async createVolumeGroupSnapshot(request, context) {
          const found = await groupController.groupSnapshotByName!(request, context);
          if (!found) return groupController.createVolumeGroupSnapshot!(request, context);
          const groupSnapshot = create(VolumeGroupSnapshotSchema, found);
          refuse(`group snapshot ${request.name}`, groupDifference(request, groupSnapshot));
          return { groupSnapshot };
        },
      }),
    },
  };
}

function needs<Service extends object>(
  service: Service | undefined,
  lookup: keyof Service & string,
  handler: keyof Service & string,
): void {
  if (service?.[lookup] && !service[handler])
    throw new Error(`CSI driver: ${lookup} is of no use without ${handler}`);
}

function refuse(what: string, difference: string | undefined): void {
  if (difference !== undefined)
    throw new CsiStatus(Code.ALREADY_EXISTS, `${what} is there already, but ${difference}`);
}

/** Why the volume is not what is asked for; what it does not tell of itself differs in nothing. */
export function volumeDifference(request: CreateVolumeRequest, volume: Volume): string | undefined {
  const { requiredBytes = 0n, limitBytes = 0n } = request.capacityRange ?? {};
  const { capacityBytes } = volume;
  if (capacityBytes > 0n && capacityBytes < requiredBytes)
    return `has ${capacityBytes} bytes, of ${requiredBytes} required`;
  if (limitBytes > 0n && capacityBytes > limitBytes)
    return `has ${capacityBytes} bytes, of at most ${limitBytes}`;
  const [asked, has] = [sourceOf(request.volumeContentSource), sourceOf(volume.contentSource)];
  if (asked !== has) return `is made of ${has}, not of ${asked}`;
  const { requisite = [] } = request.accessibilityRequirements ?? {};
  const { accessibleTopology: places } = volume;
  const isReached =
    requisite.length === 0 ||
    places.length === 0 ||
    requisite.some((one) => places.some((place) => agree(one, place)));
  return isReached ? undefined : 'cannot be reached from any of the places asked for';
}

function snapshotDifference(
  request: CreateSnapshotRequest,
  { sourceVolumeId }: Snapshot,
): string | undefined {
  return sourceVolumeId === request.sourceVolumeId
    ? undefined
    : `is of volume ${sourceVolumeId}, not of ${request.sourceVolumeId}`;
}

function groupDifference(
  { sourceVolumeIds }: CreateVolumeGroupSnapshotRequest,
  { snapshots }: VolumeGroupSnapshot,
): string | undefined {
  const list = (ids: readonly string[]) => [...new Set(ids)].sort().join(', ');
  const [asked, has] = [list(sourceVolumeIds), list(snapshots.map((one) => one.sourceVolumeId))];
  return asked === has ? undefined : `is of the volumes ${has}, not of ${asked}`;
}

function sourceOf(source: VolumeContentSource | undefined): string {
  switch (source?.type.case) {
    case 'snapshot':
      return `snapshot ${source.type.value.snapshotId}`;
    case 'volume':
      return `volume ${source.type.value.volumeId}`;
    default:
      return 'nothing';
  }
}

/** Whether a place may be within another: where both name a segment, it is the same. */
function agree(a: Topology, b: Topology): boolean {
  return Object.entries(a.segments).every(([key, value]) => (b.segments[key] ?? value) === value);
}
