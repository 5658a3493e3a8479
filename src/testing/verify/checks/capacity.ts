import { type Check, checksOf } from '../check.ts';

export const capacityChecks: readonly Check[] = checksOf(
  'GetCapacity',
  ['Controller GET_CAPACITY'],
  [
    [
      'all',
      'The capacity of all storage is not negative',
      async (scene) => {
        const { availableCapacity } = await scene.csi.controller.getCapacity({});
        scene.demand(availableCapacity >= 0n, 'a capacity is not negative', 'answer 0 where nothing is left');
      },
    ],
    [
      'of-a-class',
      'The capacity for a kind of volume has limits in order',
      async (scene) => {
        const accessibleTopology = scene.claims.plugin.services.has('VOLUME_ACCESSIBILITY_CONSTRAINTS')
          ? (await scene.nodeInfo())?.accessibleTopology
          : undefined;
        const { availableCapacity, maximumVolumeSize, minimumVolumeSize } =
          await scene.csi.controller.getCapacity({
            volumeCapabilities: [scene.capability()],
            parameters: { ...scene.options.parameters },
            accessibleTopology,
          });
        const most = maximumVolumeSize ?? availableCapacity;
        scene.demand(
          availableCapacity >= 0n && most >= 0n && (minimumVolumeSize ?? 0n) >= 0n,
          'none of the capacities is negative',
          'answer 0 where nothing is left',
        );
        scene.demand(
          availableCapacity === 0n || (minimumVolumeSize ?? 0n) <= most,
          'minimum_volume_size is not above maximum_volume_size while there is capacity',
          'answer 0 when not even the smallest volume fits',
        );
      },
    ],
  ],
);
