import type { Message } from '@bufbuild/protobuf';
import { Code } from '../codes.ts';
import type * as csi from '../generated/csi_pb.js';
import { CsiStatus } from '../status.ts';
import type { Declared } from './capabilities.ts';

/** An argument that may be given only to a driver with a capability. */
interface Gate<Request> {
  /** As in the .proto. */
  readonly field: string;
  readonly capability: string;
  given(request: Request): boolean;
  allowed(driver: Declared): boolean;
}

const byController = (capability: string) => ({
  capability,
  allowed: ({ controller }: Declared) => controller?.has(capability) ?? true,
});
const byNode = (capability: string) => ({
  capability,
  allowed: ({ node }: Declared) => node?.has(capability) ?? true,
});

const mountGroup: Gate<{ readonly volumeCapability?: csi.VolumeCapability }> = {
  field: 'volume_capability.mount.volume_mount_group',
  given: ({ volumeCapability }) =>
    volumeCapability?.accessType.case === 'mount' &&
    volumeCapability.accessType.value.volumeMountGroup !== '',
  ...byNode('VOLUME_MOUNT_GROUP'),
};

/**
 * Ignoring one of them would give the caller something else than he asked for: an empty volume in place of a copy, a
 * volume that can be written. Source: the fields of CSI 1.12 that are tied to a capability; CreateVolume, "Plugins MAY
 * create 3 types of volumes".
 */
const GATES: Readonly<Record<string, readonly Gate<never>[]>> = {
  'csi.v1.CreateVolumeRequest': gates<csi.CreateVolumeRequest>(
    {
      field: 'volume_content_source.snapshot',
      given: ({ volumeContentSource }) => volumeContentSource?.type.case === 'snapshot',
      ...byController('CREATE_DELETE_SNAPSHOT'),
    },
    {
      field: 'volume_content_source.volume',
      given: ({ volumeContentSource }) => volumeContentSource?.type.case === 'volume',
      ...byController('CLONE_VOLUME'),
    },
    {
      field: 'mutable_parameters',
      given: ({ mutableParameters }) => Object.keys(mutableParameters).length > 0,
      ...byController('MODIFY_VOLUME'),
    },
    {
      field: 'accessibility_requirements',
      capability: 'VOLUME_ACCESSIBILITY_CONSTRAINTS',
      given: ({ accessibilityRequirements }) => accessibilityRequirements !== undefined,
      allowed: ({ topology }) => topology,
    },
  ),
  'csi.v1.ControllerPublishVolumeRequest': gates<csi.ControllerPublishVolumeRequest>({
    field: 'readonly',
    given: ({ readonly }) => readonly,
    ...byController('PUBLISH_READONLY'),
  }),
  'csi.v1.NodeStageVolumeRequest': gates<csi.NodeStageVolumeRequest>(mountGroup),
  'csi.v1.NodePublishVolumeRequest': gates<csi.NodePublishVolumeRequest>(mountGroup),
};

/** The answer to a request with an argument that this driver has no capability for; `undefined` when there is none. */
export function unsupportedArgument(request: Message, driver: Declared): CsiStatus | undefined {
  const gate = GATES[request.$typeName]?.find(
    ({ given, allowed }) => given(request as never) && !allowed(driver),
  );
  return (
    gate &&
    new CsiStatus(
      Code.INVALID_ARGUMENT,
      `${gate.field} is given, but this driver does not have the capability ${gate.capability}`,
    )
  );
}

function gates<Request>(...list: Gate<Request>[]): readonly Gate<never>[] {
  return list;
}
