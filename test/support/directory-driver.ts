import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControllerService, NodeService } from '../../src/csi/index.ts';
import type { Host } from '../../src/host/index.ts';

/** Does a call's work, or what is to happen in its place. */
export type Around = <Request extends object>(
  method: string,
  request: Request,
  work: () => Promise<unknown>,
) => Promise<void>;

type Handler = Required<ControllerService & NodeService>;

/**
 * The handlers of a CSI driver whose volumes are directories below one, staged and published by bind mounts, or given to
 * pods as loop devices. It keeps nothing in memory, so it can die at any moment.
 */
export function directoryDriver(directory: string, host: Host, around: Around) {
  const volumePath = (id: string) => join(directory, 'volumes', id);
  const imagePath = (id: string) => join(directory, 'images', id);
  const isMounted = async (path: string) => (await host.mounts.list()).some(({ target }) => target === path);

  const bind = async (source: string, target: string) => {
    if (!(await isMounted(target))) await host.mounts.mount({ source, target, options: ['bind'] });
  };
  const bindVolume = async (id: string, source: string, target: string) => {
    // One that nobody has asked for was there before, or lives as long as its pod.
    await mkdir(volumePath(id), { recursive: true });
    await mkdir(target, { recursive: true });
    await bind(source, target);
  };
  const unbind = async (target: string) => {
    if (await isMounted(target)) await host.mounts.unmount(target);
  };
  const loopOf = async (image: string) =>
    (await host.loops.list()).find(({ backingFile }) => backingFile === image)?.device;
  const publishDevice = async (id: string, target: string) => {
    const image = imagePath(id);
    await mkdir(join(directory, 'images'), { recursive: true });
    await host.files.allocate(image, 1n << 20n);
    const device = (await loopOf(image)) ?? (await host.loops.attach(image));
    await writeFile(target, '');
    await bind(device, target);
  };
  const unpublish = async (id: string, target: string) => {
    await unbind(target);
    const device = await loopOf(imagePath(id));
    if (device) await host.loops.detach(device);
    await (device ? rm(target, { force: true }) : rmdir(target).catch(() => undefined));
  };

  return {
    controller: {
      async createVolume(request) {
        const { name, capacityRange } = request;
        await around('CreateVolume', request, () => mkdir(volumePath(name), { recursive: true }));
        return { volume: { volumeId: name, capacityBytes: capacityRange?.requiredBytes ?? 0n } };
      },
      async deleteVolume(request) {
        const path = volumePath(request.volumeId);
        await around('DeleteVolume', request, () => rm(path, { recursive: true, force: true }));
        return {};
      },
    } satisfies ControllerService,
    attach: {
      async controllerPublishVolume(request) {
        await around('ControllerPublishVolume', request, async () => undefined);
        return { publishContext: { seenBy: 'the attacher' } };
      },
      async controllerUnpublishVolume(request) {
        await around('ControllerUnpublishVolume', request, async () => undefined);
        return {};
      },
    } satisfies ControllerService,
    stage: {
      async nodeStageVolume(request) {
        const { volumeId, stagingTargetPath, volumeCapability } = request;
        await around('NodeStageVolume', request, async () => {
          if (volumeCapability?.accessType.case === 'mount')
            await bindVolume(volumeId, volumePath(volumeId), stagingTargetPath);
        });
        return {};
      },
      async nodeUnstageVolume(request) {
        await around('NodeUnstageVolume', request, () => unbind(request.stagingTargetPath));
        return {};
      },
    } satisfies NodeService,
    publish: {
      async nodePublishVolume(request) {
        const { volumeId, stagingTargetPath, targetPath, volumeCapability } = request;
        await around('NodePublishVolume', request, () =>
          volumeCapability?.accessType.case === 'block'
            ? publishDevice(volumeId, targetPath)
            : bindVolume(volumeId, stagingTargetPath || volumePath(volumeId), targetPath),
        );
        return {};
      },
      async nodeUnpublishVolume(request) {
        const { volumeId, targetPath } = request;
        await around('NodeUnpublishVolume', request, () => unpublish(volumeId, targetPath));
        return {};
      },
    } satisfies Pick<Handler, 'nodePublishVolume' | 'nodeUnpublishVolume'>,
  };
}
