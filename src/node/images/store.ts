import { join } from 'node:path';
import { errorMessage, type Random } from '../../base/index.ts';
import { type Files, fileWithin, unpackLayer } from '../../host/index.ts';
import { type ArchivedImage, archivedImages, chunksOf, ImageError, unpackImage } from './archive.ts';
import type { Images, LoadedImage, UserTables } from './contract.ts';
import { withTag } from './reference.ts';

export interface ImageStoreOptions {
  readonly files: Files;
  readonly random: Random;
  /** Its own. `IMAGE/root` and `IMAGE/image.json` for each image, and a file in `names` for each name. */
  readonly directory: string;
}

const NAMES = 'names';
const TEMPORARY = '.loading-';

/**
 * The images of a data directory. What is in it is whole at any time, so that a node reads while a command loads: an
 * image is unpacked beside and renamed, then named.
 */
export class ImageStore implements Images {
  readonly #options: ImageStoreOptions;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  /**
   * Loads what is in an archive: an OCI layout in a tar file, or what `docker save` writes.
   * @param name what to call the image, if there is one; else what the archive says
   * @throws ImageError that says why it cannot be
   */
  async load(
    archive: string,
    options: { readonly architecture: string; readonly name?: string },
  ): Promise<LoadedImage[]> {
    const { files, random, directory } = this.#options;
    const temporary = join(directory, `${TEMPORARY}${random.uuid()}`);
    try {
      const unpacked = join(temporary, 'archive');
      await files.makeDirectory(unpacked, 0o700);
      await unpackLayer(chunksOf(files, archive), unpacked);
      const images = await archivedImages(files, unpacked, options.architecture);
      const names = namesOf(images, options.name);
      const loaded: LoadedImage[] = [];
      for (const [index, image] of images.entries()) {
        await this.#keep(unpacked, image, join(temporary, String(index)));
        for (const name of names[index]!) await this.#setName(name, image.id);
        loaded.push((await this.#read(image.id))!);
      }
      return loaded;
    } catch (error) {
      throw new ImageError(`${archive} cannot be loaded: ${errorMessage(error)}`, { cause: error });
    } finally {
      await files.removeTree(temporary);
    }
  }

  async find(reference: string): Promise<LoadedImage | undefined> {
    const { files } = this.#options;
    if (/^sha256:[a-f0-9]{64}$/.test(reference)) return this.#read(reference);
    try {
      return await this.#read(await files.read(this.#namePath(withTag(reference))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async list(): Promise<LoadedImage[]> {
    const { files, directory } = this.#options;
    const entries = await files.list(directory).catch(() => []);
    const images = await Promise.all(
      entries
        .filter((entry) => entry.startsWith('sha256-'))
        .map((entry) => this.#read(entry.replace('-', ':'))),
    );
    return images.filter((image) => image !== undefined);
  }

  /**
   * Takes a name away, and the image when it was its last one; by its id, the image with all names.
   * @param inUse the ids of images that containers run in, or have as volumes
   * @throws ImageError when there is no such image, or it is in use
   */
  async remove(reference: string, inUse: ReadonlySet<string>): Promise<{ id: string; removed: boolean }> {
    const { files, random, directory } = this.#options;
    const image = await this.find(reference);
    if (!image) throw new ImageError(`no image ${JSON.stringify(reference)} is loaded`);
    const name = reference === image.id ? undefined : withTag(reference);
    const removed = name === undefined || image.names.length === 1;
    if (removed && inUse.has(image.id))
      throw new ImageError(
        `image ${reference} cannot be removed: a container runs in it or has it as a volume; delete its pod first`,
      );
    for (const one of name === undefined ? image.names : [name]) await files.removeFile(this.#namePath(one));
    if (removed) {
      const grave = join(directory, `${TEMPORARY}${random.uuid()}`);
      await files.rename(this.#imagePath(image.id), grave);
      await files.removeTree(grave);
    }
    return { id: image.id, removed };
  }

  /** Makes an image one of the store's, unless it is already. */
  async #keep(archive: string, image: ArchivedImage, temporary: string): Promise<void> {
    const { files } = this.#options;
    const path = this.#imagePath(image.id);
    if (await files.stat(path)) return;
    const root = join(temporary, 'root');
    await files.makeDirectory(root, 0o755);
    const sizeBytes = await unpackImage(files, archive, image, root);
    const users = await readUsers(files, root);
    const { id, config } = image;
    await files.writeAtomic(join(temporary, 'image.json'), JSON.stringify({ id, config, sizeBytes, users }));
    await files.rename(temporary, path);
  }

  async #setName(name: string, id: string): Promise<void> {
    const { files, directory } = this.#options;
    await files.makeDirectory(join(directory, NAMES), 0o755);
    await files.writeAtomic(this.#namePath(name), id);
  }

  async #read(id: string): Promise<LoadedImage | undefined> {
    const { files, directory } = this.#options;
    const path = this.#imagePath(id);
    let text: string;
    try {
      text = await files.read(join(path, 'image.json'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const names: string[] = [];
    for (const entry of (await files.list(join(directory, NAMES)).catch(() => [])).toSorted()) {
      const named = await files.read(join(directory, NAMES, entry)).catch(() => '');
      if (named === id) names.push(decodeURIComponent(entry));
    }
    return { ...(JSON.parse(text) as Omit<LoadedImage, 'names' | 'root'>), names, root: join(path, 'root') };
  }

  #imagePath(id: string): string {
    return join(this.#options.directory, id.replace(':', '-'));
  }

  #namePath(name: string): string {
    return join(this.#options.directory, NAMES, encodeURIComponent(name));
  }
}

/** What each image is to be called. */
function namesOf(images: readonly ArchivedImage[], asked: string | undefined): string[][] {
  if (images.length === 0) throw new ImageError('it holds no image');
  if (asked === undefined) {
    const names = images.map((image) => image.names.map(withTag));
    if (names.some((list) => list.length === 0))
      throw new ImageError('it does not say what the image is called; say it with --name');
    return names;
  }
  if (images.length > 1) throw new ImageError(`it holds ${images.length} images; --name is for one`);
  return [[withTag(asked)]];
}

/** Who is who in the image. Its links lead nowhere else. */
async function readUsers(files: Files, root: string): Promise<UserTables> {
  const read = async (path: string) => {
    const file = await fileWithin(root, path).catch(() => undefined);
    return file === undefined ? '' : files.read(file);
  };
  return { passwd: await read('etc/passwd'), group: await read('etc/group') };
}
