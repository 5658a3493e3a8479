import { Code, type CsiServices, CsiStatus, type csi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { usesOf } from '../shared/mounted.ts';
import type { Attachments } from './attachments.ts';
import type { Pool } from './pool.ts';

/** The directories of a pool whose volumes are directories: always there, and mounted by a bind. */
export class DirectoryVolumes implements Attachments {
  readonly hasFileSystem = false;
  readonly #pool: Pool;
  readonly #host: Host;

  constructor(pool: Pool, host: Host) {
    this.#pool = pool;
    this.#host = host;
  }

  async attach(id: string): Promise<string> {
    await this.#pool.checkImage(id);
    return this.#pool.imagePath(id);
  }

  async mount(source: string, target: string, { options }: { options: readonly string[] }): Promise<void> {
    await this.#host.mounts.mount({ source, target, options: ['bind', ...options] });
  }

  async detach(): Promise<void> {
    // Nothing was attached.
  }

  async device(): Promise<undefined> {
    // It has none.
  }

  async refresh(): Promise<void> {
    // It has no size.
  }

  async mountPoints(id: string): Promise<readonly string[]> {
    const mounts = await this.#host.mounts.list();
    const uses = await usesOf(this.#host, mounts, this.#pool.imagePath(id));
    return uses.map(({ target }) => target);
  }

  async isMountedAt(id: string, path: string): Promise<boolean> {
    return (await this.mountPoints(id)).includes(path);
  }

  async reclaim(): Promise<readonly unknown[]> {
    return [];
  }
}

/**
 * The services of a driver without block devices: none but these, so that nothing is promised that only an image file can
 * keep.
 */
export function withoutBlockDevices({ controller, ...services }: CsiServices): CsiServices {
  if (!controller) return services;
  const {
    capabilities,
    createVolume,
    deleteVolume,
    controllerPublishVolume,
    controllerUnpublishVolume,
    controllerExpandVolume,
    validateVolumeCapabilities,
    listVolumes,
    controllerGetVolume,
    getCapacity,
  } = controller;
  return {
    ...services,
    controller: {
      capabilities,
      async createVolume(request, call) {
        refuseBlock(request.volumeCapabilities);
        return createVolume!(request, call);
      },
      deleteVolume,
      controllerPublishVolume,
      controllerUnpublishVolume,
      controllerExpandVolume,
      validateVolumeCapabilities,
      listVolumes,
      controllerGetVolume,
      getCapacity,
    },
  };
}

function refuseBlock(capabilities: readonly csi.VolumeCapability[]): void {
  if (capabilities.some(({ accessType }) => accessType.case === 'block'))
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      'a raw block volume needs a loop device, which an ordinary user has none of; start Stowage as root',
    );
}
