import { csi } from '../../../csi/index.ts';
import { type Check, checksOf } from '../check.ts';
import type { Need } from '../needs.ts';
import type { Scene } from '../scene.ts';
import { demandText, writeInto } from './files.ts';

const { SINGLE_NODE_SINGLE_WRITER, SINGLE_NODE_MULTI_WRITER } = csi.VolumeCapability_AccessMode_Mode;
const AT_ONCE = 5;
const NEEDS: readonly Need[] = ['node', 'Controller CREATE_DELETE_VOLUME'];

export const nodePublishChecks: readonly Check[] = [
  ...checksOf('NodePublishVolume', NEEDS, [
    [
      'twice',
      'A volume can be published at the same path twice, and is there',
      async (scene) => {
        const request = await mountRequest(scene);
        await scene.answers(scene.csi.node.nodePublishVolume(request), 'a volume of the node is published');
        const stat = await scene.options.host.files.stat(request.targetPath);
        scene.demand(
          stat?.kind === (scene.options.accessType === 'block' ? 'block' : 'directory'),
          `the volume is at target_path; a ${stat?.kind ?? 'nothing'} is there`,
          'make target_path: a directory with the volume mounted, or a block device',
        );
        await scene.answers(scene.csi.node.nodePublishVolume(request), 'the call is idempotent');
      },
    ],
    [
      'at-once',
      'A volume can be published at a path several times at once, and is there once',
      async (scene) => {
        const request = await mountRequest(scene);
        await scene.atOnce(AT_ONCE, () => scene.csi.node.nodePublishVolume(request));
        const mounts = await scene.options.host.mounts.list();
        const there = mounts.filter(({ target }) => target === request.targetPath).length;
        scene.demand(
          there <= 1,
          `a volume is mounted at target_path once; it is ${there} times`,
          'let calls for one volume wait for one another, or answer ABORTED',
        );
      },
    ],
    [
      'unknown-volume',
      'A volume that does not exist is NOT_FOUND',
      async (scene) => {
        const request = { ...(await mountRequest(scene)), volumeId: scene.unknownId() };
        await scene.refuses(
          scene.csi.node.nodePublishVolume(request),
          ['NOT_FOUND'],
          'the volume must exist',
        );
      },
    ],
    [
      'not-staged',
      'A volume that is not staged is not published',
      async (scene) => {
        const volume = await scene.volume();
        const publishContext = await scene.attach(volume);
        const stagingTargetPath = await scene.path('staging');
        await scene.options.host.files.makeDirectory(stagingTargetPath, 0o750);
        const placed = { volume, publishContext, stagingTargetPath };
        await scene.refuses(
          scene.csi.node.nodePublishVolume(scene.mountRequest(placed, await scene.path('target'))),
          ['FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'NOT_FOUND', 'INTERNAL'],
          'NodeStageVolume comes before NodePublishVolume; nothing else than the volume is published',
        );
      },
      ['Node STAGE_UNSTAGE_VOLUME', 'file system access'],
    ],
    [
      'without-staging-path',
      'Without the path of the staged volume it is refused',
      async (scene) => {
        const request = { ...(await mountRequest(scene)), stagingTargetPath: '' };
        await scene.refuses(
          scene.csi.node.nodePublishVolume(request),
          ['FAILED_PRECONDITION', 'INVALID_ARGUMENT'],
          'a plugin with STAGE_UNSTAGE_VOLUME needs staging_target_path',
        );
      },
      ['Node STAGE_UNSTAGE_VOLUME'],
    ],
    [
      'read-only-then-writable',
      'A volume that is published read-only is not published for writing at the same path',
      async (scene) => {
        const request = await mountRequest(scene);
        await scene.prepare(scene.csi.node.nodePublishVolume({ ...request, readonly: true }));
        await scene.refuses(
          scene.csi.node.nodePublishVolume(request),
          ['ALREADY_EXISTS'],
          'the volume is published at target_path with another readonly flag',
        );
      },
      ['file system access'],
    ],
    [
      'writable-then-read-only',
      'A volume that is published for writing is not told to be read-only at the same path',
      async (scene) => {
        const request = { ...(await mountRequest(scene)), readonly: true };
        await scene.prepare(scene.csi.node.nodePublishVolume({ ...request, readonly: false }));
        const says = 'the volume is published at target_path with another readonly flag';
        const answer = await scene.answersOr(
          scene.csi.node.nodePublishVolume(request),
          ['ALREADY_EXISTS'],
          says,
        );
        // A read-only bind mount takes two steps: a driver that died between them mends it, and it is as asked.
        if (answer) await demandReadOnly(scene, request.targetPath, says);
      },
      ['file system access'],
    ],
    [
      'read-only',
      'A volume that is published read-only cannot be written',
      async (scene) => {
        const request = { ...(await mountRequest(scene)), readonly: true };
        await scene.answers(scene.csi.node.nodePublishVolume(request), 'a volume can be published read-only');
        await demandReadOnly(scene, request.targetPath, 'readonly is set');
      },
      ['file system access'],
    ],
    [
      'single-writer',
      'A volume with a single writer is published at one path only',
      async (scene) => {
        const placed = await scene.place(await singleWriter(scene), SINGLE_NODE_SINGLE_WRITER);
        await scene.mount(placed, SINGLE_NODE_SINGLE_WRITER);
        const second = scene.mountRequest(placed, await scene.path('target'), SINGLE_NODE_SINGLE_WRITER);
        await scene.refuses(
          scene.csi.node.nodePublishVolume(second),
          ['FAILED_PRECONDITION'],
          'SINGLE_NODE_SINGLE_WRITER allows one target path at a time',
        );
      },
      ['Node SINGLE_NODE_MULTI_WRITER', 'Controller SINGLE_NODE_MULTI_WRITER'],
    ],
    [
      'several-writers',
      'A volume with several writers on a node is published at several paths',
      async (scene) => {
        const volumeCapabilities = [scene.capability(SINGLE_NODE_MULTI_WRITER)];
        const placed = await scene.place(
          await scene.volume({ volumeCapabilities }),
          SINGLE_NODE_MULTI_WRITER,
        );
        await scene.mount(placed, SINGLE_NODE_MULTI_WRITER);
        const second = scene.mountRequest(placed, await scene.path('target'), SINGLE_NODE_MULTI_WRITER);
        await scene.answers(
          scene.csi.node.nodePublishVolume(second),
          'SINGLE_NODE_MULTI_WRITER allows several target paths at a time',
        );
      },
      ['Node SINGLE_NODE_MULTI_WRITER', 'Controller SINGLE_NODE_MULTI_WRITER'],
    ],
    [
      'data',
      'What was written is there after the volume was taken off the node and put back',
      async (scene) => {
        const volume = await scene.volume();
        const text = scene.name();
        const before = await scene.place(volume);
        const path = await scene.mount(before);
        await writeInto(scene, path, text);
        await scene.takeOff(before, path);
        await demandText(scene, await scene.mount(await scene.place(volume)), text, 'the volume');
      },
      ['file system access'],
    ],
    [
      'apart',
      'What is written into one volume does not appear in another',
      async (scene) => {
        const [one, other] = [await scene.volume(), await scene.volume()];
        const [onePath, otherPath] = [
          await scene.mount(await scene.place(one)),
          await scene.mount(await scene.place(other)),
        ];
        await writeInto(scene, onePath, 'one');
        await writeInto(scene, otherPath, 'other');
        await demandText(scene, onePath, 'one', 'the first volume');
      },
      ['file system access'],
    ],
  ]),
  ...checksOf('NodeUnpublishVolume', NEEDS, [
    [
      'twice',
      'A volume can be unpublished twice, and its path is gone',
      async (scene) => {
        const placed = await scene.place(await scene.volume());
        const targetPath = await scene.mount(placed);
        const request = { volumeId: placed.volume.volumeId, targetPath };
        await scene.answers(scene.csi.node.nodeUnpublishVolume(request), 'a published volume is unpublished');
        scene.demand(
          (await scene.options.host.files.stat(targetPath)) === undefined,
          'the plugin deletes target_path, which it has made',
          'remove the directory or file after unmounting it',
        );
        await scene.answers(
          scene.csi.node.nodeUnpublishVolume(request),
          'the call is idempotent: a volume that is not published there is answered with OK',
        );
      },
    ],
    [
      'unknown-volume',
      'A volume that does not exist is unpublished, or NOT_FOUND',
      async (scene) => {
        const request = { volumeId: scene.unknownId(), targetPath: await scene.path('target') };
        await scene.answersOr(
          scene.csi.node.nodeUnpublishVolume(request),
          ['NOT_FOUND'],
          'a volume that does not exist is not published',
        );
      },
    ],
  ]),
];

/** A request for a volume that is attached and staged, as far as the driver has these steps. */
async function mountRequest(scene: Scene) {
  return scene.mountRequest(await scene.place(await scene.volume()), await scene.path('target'));
}

async function demandReadOnly(scene: Scene, path: string, says: string): Promise<void> {
  const written = await scene.options.host.files.write(`${path}/file`, 'text').then(
    () => true,
    () => false,
  );
  scene.demand(!written, `${says}; a file could be written`, 'mount target_path read-only');
}

function singleWriter(scene: Scene): Promise<csi.Volume> {
  return scene.volume({ volumeCapabilities: [scene.capability(SINGLE_NODE_SINGLE_WRITER)] });
}
