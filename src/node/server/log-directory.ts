import type { FileStat, Files } from '../../host/index.ts';

/** What a path of the logs' directory answers with. */
export type LogDirectoryAnswer =
  | { readonly kind: 'listing'; readonly html: string }
  | { readonly kind: 'file'; readonly sizeBytes: number; readonly chunks: AsyncGenerator<Uint8Array> }
  /** Relative to the path. */
  | { readonly kind: 'elsewhere'; readonly location: string }
  | { readonly kind: 'nothing' };

const CHUNK_BYTES = 64 * 1024;
const NOTHING = { kind: 'nothing' } as const;

/**
 * What is below a directory of logs, as Go's file server shows it to the kubelet's /logs/: files, and lists of links to
 * them. No link is followed.
 */
export async function logDirectory(files: Files, root: string, path: string): Promise<LogDirectoryAnswer> {
  let parts: string[];
  try {
    parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return NOTHING;
  }
  if (parts.some((part) => part === '..' || part === '.' || /[/\0]/.test(part))) return NOTHING;
  const place = await files.openWithin(root, parts).catch(() => undefined);
  if (!place) return NOTHING;
  try {
    const { kind, sizeBytes } = await place.stat();
    const name = encodeURIComponent(parts.at(-1) ?? '');
    if (kind === 'directory') {
      if (parts.length > 0 && !path.endsWith('/')) return { kind: 'elsewhere', location: `${name}/` };
      return { kind: 'listing', html: await listing(files, place.path) };
    }
    if (kind !== 'file') return NOTHING;
    if (path.endsWith('/')) return { kind: 'elsewhere', location: `../${name}` };
    return { kind: 'file', sizeBytes, chunks: await contentOf(files, place.path, sizeBytes) };
  } finally {
    await place.close();
  }
}

async function listing(files: Files, directory: string): Promise<string> {
  const names = (await files.list(directory)).toSorted();
  const links = await Promise.all(
    names.map(async (name) => link(name, await files.stat(`${directory}/${name}`))),
  );
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`;
}

function link(name: string, stat: FileStat | undefined): string {
  const slash = stat?.kind === 'directory' ? '/' : '';
  const text = name.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<a href="${encodeURIComponent(name)}${slash}">${text}${slash}</a>\n`;
}

/** What the file holds now: what is written later is not waited for. */
async function contentOf(files: Files, path: string, sizeBytes: number): Promise<AsyncGenerator<Uint8Array>> {
  const handle = await files.openRead(path);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let position = 0; position < sizeBytes; ) {
        const chunk = await handle.read(position, Math.min(CHUNK_BYTES, sizeBytes - position));
        if (chunk.length === 0) return;
        position += chunk.length;
        yield chunk;
      }
    } finally {
      await handle.close();
    }
  }
  return chunks();
}
