import type { Client } from '../src/client/index.ts';
import { type CsiClient, csi } from '../src/csi/index.ts';
import { configMaps } from '../src/kube/index.ts';

const SIZE_BYTES = 16n * 1024n * 1024n;

/** A driver's volumes and snapshots made and deleted at once, by nothing but its calls. */
export class BareDriver {
  readonly #driver: CsiClient;
  readonly #volumes = new Map<string, string>();
  readonly #snapshots: string[] = [];

  constructor(driver: CsiClient) {
    this.#driver = driver;
  }

  create(names: readonly string[]): Promise<unknown> {
    const mode = csi.VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER;
    const accessType = { case: 'mount' as const, value: { fsType: '' } };
    return Promise.all(
      names.map(async (name) => {
        const { volume } = await this.#driver.controller.createVolume({
          name: `bare-${name}`,
          capacityRange: { requiredBytes: SIZE_BYTES },
          volumeCapabilities: [{ accessMode: { mode }, accessType }],
        });
        this.#volumes.set(name, volume?.volumeId ?? '');
      }),
    );
  }

  remove(names: readonly string[]): Promise<unknown> {
    return Promise.all(
      names.map((name) => this.#driver.controller.deleteVolume({ volumeId: this.#volumes.get(name) ?? '' })),
    );
  }

  snapshot(names: readonly string[]): Promise<unknown> {
    return Promise.all(
      names.map(async (name) => {
        const sourceVolumeId = this.#volumes.get(name) ?? '';
        const request = { name: `bare-${name}`, sourceVolumeId };
        const { snapshot } = await this.#driver.controller.createSnapshot(request);
        this.#snapshots.push(snapshot?.snapshotId ?? '');
      }),
    );
  }

  deleteSnapshots(): Promise<unknown> {
    const ids = this.#snapshots.splice(0);
    return Promise.all(ids.map((snapshotId) => this.#driver.controller.deleteSnapshot({ snapshotId })));
  }
}

/** So many objects written at once, each several times, one write after the other. */
export async function bareWrites(
  client: Client,
  count: number,
  verbs: readonly ('create' | 'patch' | 'delete')[],
): Promise<void> {
  const write = async (name: string) => {
    const object = { namespace: 'default', name };
    for (const [round, verb] of verbs.entries()) {
      const body = { data: { round: String(round) } };
      if (verb === 'create') await client.create(configMaps, { metadata: object, ...body });
      else if (verb === 'patch') await client.patch(configMaps, object, { type: 'merge', body });
      else await client.delete(configMaps, object);
    }
  };
  await Promise.all(Array.from({ length: count }, (_, index) => write(`bare-${index}`)));
}
