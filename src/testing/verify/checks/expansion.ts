import { type Check, checksOf } from '../check.ts';
import type { Scene } from '../scene.ts';

export const expansionChecks: readonly Check[] = [
  ...checksOf(
    'ControllerExpandVolume',
    ['Controller CREATE_DELETE_VOLUME', 'Controller EXPAND_VOLUME'],
    [
      [
        'twice',
        'A volume grows to what is asked, and the same again changes nothing',
        async (scene) => {
          const { volumeId, requiredBytes } = await larger(scene);
          const says = 'a volume grows to required_bytes at least';
          const first = await expand(scene, volumeId, requiredBytes, says);
          const again = await expand(scene, volumeId, requiredBytes, 'the call is idempotent');
          scene.demand(
            again.capacityBytes === first.capacityBytes,
            `a volume that is large enough is answered with its capacity, ${first.capacityBytes}`,
            'grow only what is too small',
          );
        },
      ],
      [
        'smaller',
        'A volume that is larger than asked stays as it is',
        async (scene) => {
          const { volumeId, capacityBytes } = await scene.volume();
          const answer = await expand(
            scene,
            volumeId,
            (capacityBytes || scene.options.sizeBytes) / 2n,
            'a volume that is large enough is answered with OK',
          );
          scene.demand(
            answer.capacityBytes >= capacityBytes,
            `a volume never shrinks; it had ${capacityBytes} bytes`,
            'answer with the present capacity',
          );
        },
      ],
      [
        'unknown-volume',
        'A volume that does not exist is NOT_FOUND',
        async (scene) => {
          await scene.refuses(
            scene.csi.controller.controllerExpandVolume({
              volumeId: scene.unknownId(),
              capacityRange: { requiredBytes: scene.options.sizeBytes },
              volumeCapability: scene.capability(),
            }),
            ['NOT_FOUND'],
            'the volume must exist',
          );
        },
      ],
    ],
  ),
  ...checksOf(
    'NodeExpandVolume',
    ['node', 'Controller CREATE_DELETE_VOLUME', 'Node EXPAND_VOLUME'],
    [
      [
        'offline',
        'A volume that grew while it was on no node has its new size when it is published',
        async (scene) => {
          const volume = await scene.volume();
          const requiredBytes = (volume.capacityBytes || scene.options.sizeBytes) * 2n;
          const { nodeExpansionRequired } = await scene.prepare(
            scene.csi.controller.controllerExpandVolume(rangeOf(scene, volume.volumeId, requiredBytes)),
          );
          const placed = await scene.place(volume);
          const volumePath = await scene.mount(placed);
          if (nodeExpansionRequired)
            await expandOnNode(scene, volume.volumeId, volumePath, placed, requiredBytes);
          await demandSize(scene, volumePath, volume.capacityBytes);
        },
        ['Controller EXPAND_VOLUME'],
      ],
      [
        'unknown-volume',
        'A volume that does not exist is NOT_FOUND',
        async (scene) => {
          const placed = await scene.place(await scene.volume());
          const volumePath = await scene.mount(placed);
          await scene.refuses(
            scene.csi.node.nodeExpandVolume({
              volumeId: scene.unknownId(),
              volumePath,
              stagingTargetPath: placed.stagingTargetPath,
              volumeCapability: scene.capability(),
            }),
            ['NOT_FOUND'],
            'the volume must exist',
          );
        },
      ],
    ],
  ),
];

async function larger(scene: Scene): Promise<{ volumeId: string; requiredBytes: bigint }> {
  const { volumeId, capacityBytes } = await scene.volume();
  return { volumeId, requiredBytes: (capacityBytes || scene.options.sizeBytes) * 2n };
}

function rangeOf(scene: Scene, volumeId: string, requiredBytes: bigint) {
  return { volumeId, capacityRange: { requiredBytes }, volumeCapability: scene.capability() };
}

async function expand(scene: Scene, volumeId: string, requiredBytes: bigint, says: string) {
  const answer = await scene.answers(
    scene.csi.controller.controllerExpandVolume(rangeOf(scene, volumeId, requiredBytes)),
    says,
  );
  scene.demand(
    answer.capacityBytes >= requiredBytes,
    'capacity_bytes is required, and at least required_bytes',
    'answer with the capacity that the volume has now',
  );
  return answer;
}

async function expandOnNode(
  scene: Scene,
  volumeId: string,
  volumePath: string,
  { stagingTargetPath }: { stagingTargetPath: string },
  requiredBytes: bigint,
): Promise<void> {
  await scene.answers(
    scene.csi.node.nodeExpandVolume({
      volumeId,
      volumePath,
      stagingTargetPath,
      capacityRange: { requiredBytes },
      volumeCapability: scene.capability(),
    }),
    'node_expansion_required was answered, and the volume is published',
  );
}

/** The file system is larger than the volume was: its own records keep it below the volume's new size. */
async function demandSize(scene: Scene, path: string, beforeBytes: bigint): Promise<void> {
  if (scene.options.accessType === 'block') return;
  const { totalBytes } = await scene.options.host.files.statFs(path);
  scene.demand(
    totalBytes > beforeBytes,
    `the file system has the new size; it has ${totalBytes} bytes, the volume had ${beforeBytes}`,
    'grow the file system, and set node_expansion_required where only the node can',
  );
}
