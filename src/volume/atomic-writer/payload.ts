import type { FileProjection, Payload } from './atomic-writer.ts';

/** Which keys become files, as configMap and secret sources say it. */
export interface KeyProjection {
  readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
  readonly defaultMode: number;
  readonly optional?: boolean;
}

/**
 * The files of a configMap or secret volume: all keys under their names, or the listed ones under their paths.
 * @throws Error, worded by `missing`, if a listed key is not there and the volume is not optional.
 * Source: MakePayload, pkg/volume/configmap and pkg/volume/secret.
 */
export function makePayload(
  data: ReadonlyMap<string, Uint8Array>,
  source: KeyProjection,
  missing: (key: string) => string,
): Payload {
  const { defaultMode } = source;
  const payload = new Map<string, FileProjection>();
  if (!source.items || source.items.length === 0) {
    for (const [name, content] of data) payload.set(name, { data: content, mode: defaultMode });
    return payload;
  }
  for (const { key, path, mode } of source.items) {
    const content = data.get(key);
    if (content) payload.set(path, { data: content, mode: mode ?? defaultMode });
    else if (!source.optional) throw new Error(missing(key));
  }
  return payload;
}
