import { systemClock, systemRandom } from '../base/index.ts';
import { imagesInUse } from '../cluster/images-in-use.ts';
import { layoutOf } from '../cluster/layout.ts';
import { createMachineHost } from '../host/rootless/index.ts';
import { ImageError, ImageStore } from '../node/index.ts';
import { enterBestMode } from './mode.ts';
import { UsageError } from './usage-error.ts';

interface ImageOptions {
  readonly dataDir: string;
}

const openStore = ({ dataDir }: ImageOptions) => {
  const host = createMachineHost({ clock: systemClock });
  const directory = layoutOf(dataDir, {}).images;
  return { host, store: new ImageStore({ files: host.files, random: systemRandom, directory }) };
};

/** `stowage image load FILE`. Resolves to the exit code. */
export async function imageLoad(file: string, options: ImageOptions & { name?: string }): Promise<number> {
  await enterBestMode('stowage image load');
  const { host, store } = openStore(options);
  const { architecture } = host.info();
  for (const { id, names } of await forUsers(() => store.load(file, { architecture, name: options.name })))
    process.stdout.write(`${names.join(' ')} ${id}\n`);
  return 0;
}

/** `stowage image list`. Resolves to the exit code. */
export async function imageList(options: ImageOptions): Promise<number> {
  const { store } = openStore(options);
  const rows = [['NAME', 'IMAGE ID', 'SIZE']];
  for (const { id, names, sizeBytes } of await store.list())
    for (const name of names.length > 0 ? names : ['<none>'])
      rows.push([
        name,
        id.slice('sha256:'.length, 'sha256:'.length + 12),
        `${(sizeBytes / 1e6).toFixed(1)}MB`,
      ]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const [name, id, size] of rows)
    process.stdout.write(`${name!.padEnd(widths[0]!)}   ${id!.padEnd(widths[1]!)}   ${size}\n`);
  return 0;
}

/** `stowage image remove NAME`. Resolves to the exit code. */
export async function imageRemove(name: string, options: ImageOptions): Promise<number> {
  const { host, store } = openStore(options);
  const inUse = await imagesInUse(host, options.dataDir);
  const { id, removed } = await forUsers(() => store.remove(name, inUse));
  process.stdout.write(removed ? `removed ${id}\n` : `${id} is no longer called ${name}\n`);
  return 0;
}

async function forUsers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Names that are none, and images that cannot be had, are the user's to mend.
    if (error instanceof ImageError || /^couldn't parse image name/.test(String((error as Error).message)))
      throw new UsageError((error as Error).message);
    throw error;
  }
}
