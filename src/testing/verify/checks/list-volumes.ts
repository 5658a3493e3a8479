import type { csi } from '../../../csi/index.ts';
import { type Check, checksOf } from '../check.ts';
import type { Scene } from '../scene.ts';
import { readPages } from './pages.ts';

const PAGED_VOLUMES = 3;

export const listVolumesChecks: readonly Check[] = [
  ...checksOf(
    'ListVolumes',
    ['Controller LIST_VOLUMES', 'Controller CREATE_DELETE_VOLUME'],
    [
      [
        'new',
        'A new volume is listed, with its capacity',
        async (scene) => {
          const { volumeId, capacityBytes } = await scene.volume();
          const entry = await entryOf(scene, volumeId);
          scene.demand(entry !== undefined, `volume ${volumeId} has just been made`, 'list every volume');
          scene.demand(
            entry?.volume?.capacityBytes === capacityBytes,
            `the volume is described as CreateVolume has: capacity_bytes ${capacityBytes}`,
            'describe a volume in one place',
          );
        },
      ],
      [
        'deleted',
        'A deleted volume is not listed',
        async (scene) => {
          const { volumeId } = await scene.volume();
          await scene.prepare(scene.csi.controller.deleteVolume({ volumeId }));
          const entry = await entryOf(scene, volumeId);
          scene.demand(entry === undefined, `volume ${volumeId} has been deleted`, 'list what exists');
        },
      ],
      [
        'pages',
        'Pages have at most max_entries, and show every volume once',
        async (scene) => {
          const made: string[] = [];
          for (let count = 0; count < PAGED_VOLUMES; count++) made.push((await scene.volume()).volumeId);
          const entries = await readPages(scene, 1, (page) => scene.csi.controller.listVolumes(page));
          const listed = entries.map((entry) => (entry as csi.ListVolumesResponse_Entry).volume?.volumeId);
          for (const id of made)
            scene.demand(
              listed.filter((other) => other === id).length === 1,
              `volume ${id} is on exactly one page; the pages showed ${listed.join(', ')}`,
              'order the list by something that stays, and go on behind the last entry',
            );
        },
      ],
      [
        'published-nodes',
        'A published volume is listed with its node',
        async (scene) => {
          const volume = await scene.volume();
          await scene.attach(volume);
          const nodeId = (await scene.nodeInfo())?.nodeId ?? '';
          const entry = await entryOf(scene, volume.volumeId);
          scene.demand(
            entry?.status?.publishedNodeIds.includes(nodeId) === true,
            `volume ${volume.volumeId} is published to node ${nodeId}`,
            'set status.published_node_ids; the caller attaches anew what is not there',
          );
        },
        ['node', 'Controller LIST_VOLUMES_PUBLISHED_NODES', 'Controller PUBLISH_UNPUBLISH_VOLUME'],
      ],
    ],
  ),
  ...checksOf(
    'ListVolumes',
    ['Controller LIST_VOLUMES'],
    [
      [
        'bad-token',
        'A token that the driver has not given out is refused',
        async (scene) => {
          await scene.refuses(
            scene.csi.controller.listVolumes({ startingToken: scene.unknownId() }),
            ['ABORTED'],
            'starting_token is not valid',
          );
        },
      ],
      [
        'negative-max',
        'A negative max_entries is refused',
        async (scene) => {
          await scene.refuses(
            scene.csi.controller.listVolumes({ maxEntries: -1 }),
            ['INVALID_ARGUMENT'],
            'max_entries must not be negative',
          );
        },
      ],
    ],
  ),
  ...checksOf(
    'ControllerGetVolume',
    ['Controller GET_VOLUME', 'Controller CREATE_DELETE_VOLUME'],
    [
      [
        'volume',
        'A volume is described as CreateVolume has',
        async (scene) => {
          const { volumeId, capacityBytes } = await scene.volume();
          const { volume } = await scene.csi.controller.controllerGetVolume({ volumeId });
          scene.demand(
            volume?.volumeId === volumeId && volume.capacityBytes === capacityBytes,
            `it is volume ${volumeId} with ${capacityBytes} bytes`,
            'describe a volume in one place',
          );
        },
      ],
      [
        'unknown-volume',
        'A volume that does not exist is NOT_FOUND',
        async (scene) => {
          await scene.refuses(
            scene.csi.controller.controllerGetVolume({ volumeId: scene.unknownId() }),
            ['NOT_FOUND'],
            'the volume must exist',
          );
        },
      ],
    ],
  ),
];

async function entryOf(scene: Scene, volumeId: string): Promise<csi.ListVolumesResponse_Entry | undefined> {
  const { entries } = await scene.answers(scene.csi.controller.listVolumes({}), 'volumes are listed');
  return entries.find(({ volume }) => volume?.volumeId === volumeId);
}
