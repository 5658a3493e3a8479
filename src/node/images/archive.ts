import { createHash } from 'node:crypto';
import { type Files, fileWithin, unpackLayer } from '../../host/index.ts';
import type { ImageConfig } from './contract.ts';

/** A manifest or a configuration is small; more is no image. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** Why an archive cannot be loaded. */
export class ImageError extends Error {
  override name = 'ImageError';
}

/** An image as it lies in an unpacked archive. */
export interface ArchivedImage {
  /** sha256:… of the configuration, verified. */
  readonly id: string;
  readonly names: readonly string[];
  readonly config: ImageConfig;
  /** Paths in the archive, the lowest first, each with the digest of what is in it without compression. */
  readonly layers: readonly { readonly path: string; readonly diffId: string }[];
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly platform?: { readonly os?: string; readonly architecture?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

interface ConfigFile {
  readonly architecture?: string;
  readonly os?: string;
  readonly config?: {
    readonly Env?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly User?: string;
  };
  readonly rootfs?: { readonly diff_ids?: readonly string[] };
}

/** The images of an unpacked archive: an OCI layout, or what `docker save` writes. */
export async function archivedImages(
  files: Files,
  directory: string,
  architecture: string,
): Promise<ArchivedImage[]> {
  const has = (name: string) => fileWithin(directory, name).then(Boolean, () => false);
  // Newer docker writes both, and its names in full here alone.
  if (await has('manifest.json')) return dockerImages(files, directory, architecture);
  if (await has('index.json')) return ociImages(files, directory, architecture);
  throw new ImageError('it holds neither index.json (an OCI layout) nor manifest.json (docker save)');
}

async function dockerImages(files: Files, directory: string, architecture: string): Promise<ArchivedImage[]> {
  interface Entry {
    readonly Config?: string;
    readonly RepoTags?: readonly string[] | null;
    readonly Layers?: readonly string[];
  }
  const manifest = parseJson<readonly Entry[]>(
    await readBlob(files, directory, 'manifest.json'),
    'manifest.json',
  );
  if (!Array.isArray(manifest)) throw new ImageError('manifest.json is no list of images');
  const images: ArchivedImage[] = [];
  for (const { Config: path = '', RepoTags, Layers = [] } of manifest) {
    const bytes = await readBlob(files, directory, path);
    const named = /(?:^|\/)([a-f0-9]{64})(?:\.json)?$/.exec(path)?.[1];
    const id = verified(bytes, named && { digest: `sha256:${named}` }, path);
    const config = parseJson<ConfigFile>(bytes, path);
    images.push(archivedImage(id, RepoTags ?? [], config, Layers, architecture));
  }
  return images;
}

async function ociImages(files: Files, directory: string, architecture: string): Promise<ArchivedImage[]> {
  const index = parseJson<{ manifests?: readonly Descriptor[] }>(
    await readBlob(files, directory, 'index.json'),
    'index.json',
  );
  const images: ArchivedImage[] = [];
  for (const descriptor of index.manifests ?? [])
    images.push(await ociImage(files, directory, descriptor, architecture));
  return images;
}

async function ociImage(
  files: Files,
  directory: string,
  descriptor: Descriptor,
  architecture: string,
): Promise<ArchivedImage> {
  interface Manifest {
    readonly manifests?: readonly Descriptor[];
    readonly config?: Descriptor;
    readonly layers?: readonly Descriptor[];
  }
  const blob = async (of: Descriptor | undefined) => {
    const path = blobPath(of);
    const bytes = await readBlob(files, directory, path);
    verified(bytes, of, path);
    return { bytes, path };
  };
  const { bytes, path } = await blob(descriptor);
  const manifest = parseJson<Manifest>(bytes, path);
  const { annotations = {} } = descriptor;
  if (manifest.manifests) {
    const fits = manifest.manifests.find(
      ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
    );
    if (!fits) throw new ImageError(`it has no image for linux/${architecture}`);
    return ociImage(files, directory, { ...fits, annotations }, architecture);
  }
  const config = await blob(manifest.config);
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
  return archivedImage(
    manifest.config!.digest!,
    // A bare tag is no name.
    name !== undefined && /[:/]/.test(name) ? [name] : [],
    parseJson<ConfigFile>(config.bytes, config.path),
    (manifest.layers ?? []).map(blobPath),
    architecture,
  );
}

function archivedImage(
  id: string,
  names: readonly string[],
  { config = {}, rootfs, os = 'linux', architecture: ofImage }: ConfigFile,
  paths: readonly string[],
  architecture: string,
): ArchivedImage {
  if (os !== 'linux' || (ofImage !== undefined && ofImage !== architecture))
    throw new ImageError(`it is for ${os}/${ofImage}; this machine is linux/${architecture}`);
  const diffIds = rootfs?.diff_ids ?? [];
  if (diffIds.length !== paths.length)
    throw new ImageError(`it has ${paths.length} layers, but digests for ${diffIds.length}`);
  return {
    id,
    names,
    config: {
      environment: config.Env ?? [],
      entrypoint: config.Entrypoint ?? [],
      command: config.Cmd ?? [],
      workingDir: config.WorkingDir ?? '',
      user: config.User ?? '',
    },
    layers: paths.map((path, index) => ({ path, diffId: diffIds[index]! })),
  };
}

/** Unpacks the layers one over the other. @throws ImageError when one is not what its digest says */
export async function unpackImage(
  files: Files,
  directory: string,
  { layers }: ArchivedImage,
  root: string,
): Promise<number> {
  let sizeBytes = 0;
  for (const { path, diffId } of layers) {
    const source = chunksOf(files, await fileWithin(directory, path));
    const unpacked = await unpackLayer(source, root);
    if (unpacked.diffId !== diffId)
      throw new ImageError(`layer ${path} has the digest ${unpacked.diffId}, not ${diffId}: it is damaged`);
    sizeBytes += unpacked.bytes;
  }
  return sizeBytes;
}

function blobPath(descriptor: Descriptor | undefined): string {
  const match = /^sha256:([a-f0-9]{64})$/.exec(descriptor?.digest ?? '');
  if (!match)
    throw new ImageError(`${JSON.stringify(descriptor?.digest)} is no digest that is understood (sha256)`);
  return `blobs/sha256/${match[1]}`;
}

function verified(bytes: Uint8Array, expected: Descriptor | '' | undefined, path: string): string {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (expected && expected.digest !== digest)
    throw new ImageError(`${path} has the digest ${digest}, not ${expected.digest}: it is damaged`);
  return digest;
}

async function readBlob(files: Files, directory: string, path: string): Promise<Buffer> {
  const handle = await files.openRead(await fileWithin(directory, path));
  try {
    const { sizeBytes } = await handle.stat();
    if (sizeBytes > MAX_JSON_BYTES) throw new ImageError(`${path} is too large for what it should be`);
    return Buffer.from(await handle.read(0, sizeBytes));
  } finally {
    await handle.close();
  }
}

function parseJson<T>(bytes: Buffer, path: string): T {
  try {
    return JSON.parse(bytes.toString('utf8')) as T;
  } catch {
    throw new ImageError(`${path} is no JSON`);
  }
}

/** A file from its beginning to its end. */
export async function* chunksOf(files: Files, path: string): AsyncGenerator<Uint8Array> {
  const handle = await files.openRead(path);
  try {
    for (let position = 0; ; ) {
      const chunk = await handle.read(position, CHUNK_BYTES);
      if (chunk.length === 0) return;
      position += chunk.length;
      yield chunk;
    }
  } finally {
    await handle.close();
  }
}
