import type { CsiClient } from '../../csi/index.ts';
import type { TopologyRequirementInit } from './topology.ts';
import type { VolumeRequest } from './volume-request.ts';

/** Whether the driver has room for a volume in one of the places, as far as it knows now. Source: checkCapacity. */
export async function hasRoom(
  csi: CsiClient,
  request: VolumeRequest,
  accessibility: TopologyRequirementInit | undefined,
  call: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  if (request.requiredBytes === 0n) return true;
  const { requisite = [] } = accessibility ?? {};
  for (const accessibleTopology of requisite.length > 0 ? requisite : [undefined]) {
    const { availableCapacity } = await csi.controller.getCapacity(
      {
        volumeCapabilities: [...request.volumeCapabilities],
        parameters: request.parameters,
        ...(accessibleTopology && { accessibleTopology }),
      },
      call,
    );
    if (request.requiredBytes <= availableCapacity) return true;
  }
  return false;
}
