import type { csi } from '../../../csi/index.ts';
import { type Check, checksOf } from '../check.ts';

export const topologyChecks: readonly Check[] = [
  ...checksOf(
    'NodeGetInfo',
    ['node', '!Plugin VOLUME_ACCESSIBILITY_CONSTRAINTS'],
    [
      [
        'no-topology',
        'Without VOLUME_ACCESSIBILITY_CONSTRAINTS a node has no topology',
        async (scene) => {
          const { accessibleTopology } = await scene.csi.node.nodeGetInfo({});
          scene.demand(
            accessibleTopology === undefined,
            'a plugin that answers with accessible_topology has VOLUME_ACCESSIBILITY_CONSTRAINTS',
            'claim the capability, or leave the topology out',
          );
        },
      ],
    ],
  ),
  ...checksOf(
    'CreateVolume',
    ['Controller CREATE_DELETE_VOLUME', '!Plugin VOLUME_ACCESSIBILITY_CONSTRAINTS'],
    [
      [
        'no-topology',
        'Without VOLUME_ACCESSIBILITY_CONSTRAINTS a volume has no topology',
        async (scene) => {
          const { accessibleTopology } = await scene.volume();
          scene.demand(
            accessibleTopology.length === 0,
            'a plugin that answers with accessible_topology has VOLUME_ACCESSIBILITY_CONSTRAINTS',
            'claim the capability, or leave the topology out',
          );
        },
      ],
    ],
  ),
  ...checksOf(
    'CreateVolume',
    ['node', 'Controller CREATE_DELETE_VOLUME', 'Plugin VOLUME_ACCESSIBILITY_CONSTRAINTS'],
    [
      [
        'accessible',
        'A volume that is asked for this node can be reached from it',
        async (scene) => {
          const node = (await scene.nodeInfo())?.accessibleTopology;
          const { accessibleTopology } = await scene.volume();
          scene.demand(
            accessibleTopology.length === 0 || accessibleTopology.some((place) => reaches(place, node)),
            `the volume is accessible from at least one requisite topology: ${JSON.stringify(node?.segments)}`,
            'make the volume where accessibility_requirements allow, or answer RESOURCE_EXHAUSTED',
          );
        },
      ],
      [
        'elsewhere',
        'A volume for a place that does not exist is refused',
        async (scene) => {
          const node = (await scene.nodeInfo())?.accessibleTopology;
          if (Object.keys(node?.segments ?? {}).length === 0) return;
          const segments = Object.fromEntries(
            Object.keys(node!.segments).map((key) => [key, scene.unknownId().slice(0, 63)]),
          );
          const request = await scene.volumeRequest({
            accessibilityRequirements: { requisite: [{ segments }], preferred: [] },
          });
          await scene.refuses(
            scene.csi.controller.createVolume(request),
            ['RESOURCE_EXHAUSTED', 'INVALID_ARGUMENT'],
            'a volume must be accessible from one of the requisite topologies',
          );
        },
      ],
    ],
  ),
  ...checksOf(
    'NodeGetInfo',
    ['node', 'Plugin VOLUME_ACCESSIBILITY_CONSTRAINTS'],
    [
      [
        'same-topology',
        'A node is in the same place each time',
        async (scene) => {
          const first = (await scene.csi.node.nodeGetInfo({})).accessibleTopology?.segments;
          const again = (await scene.csi.node.nodeGetInfo({})).accessibleTopology?.segments;
          const text = (segments: typeof first) => JSON.stringify(Object.entries(segments ?? {}).sort());
          scene.demand(
            text(first) === text(again),
            `topology is fixed while the node lives; it was ${text(first)}`,
            'read it once',
          );
        },
      ],
    ],
  ),
];

/** Every segment of the volume's place is one of the node's. */
function reaches(place: csi.Topology, node: csi.Topology | undefined): boolean {
  return Object.entries(place.segments).every(([key, value]) => node?.segments[key] === value);
}
