import { type ConfigMap, configMaps, type Volume } from '../../kube/index.ts';
import type { Payload } from '../atomic-writer/atomic-writer.ts';
import { makePayload } from '../atomic-writer/payload.ts';
import { type PayloadRequest, readUnlessOptional } from './request.ts';

export type ConfigMapSource = NonNullable<Volume['configMap']>;

/** The keys of a ConfigMap as files. */
export async function configMapPayload(
  source: Pick<ConfigMapSource, 'name' | 'items' | 'optional'>,
  { read, defaultMode }: PayloadRequest,
): Promise<Payload> {
  const { name = '', items, optional } = source;
  const found = await readUnlessOptional(read(configMaps, name), 'configmap', name, optional);
  return makePayload(
    contentOf(found),
    { items, optional, defaultMode },
    (key) => `configmap references non-existent config key: ${key}`,
  );
}

function contentOf(configMap: ConfigMap | undefined): Map<string, Uint8Array> {
  const content = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(configMap?.data ?? {}))
    content.set(key, Buffer.from(text, 'utf8'));
  for (const [key, base64] of Object.entries(configMap?.binaryData ?? {}))
    content.set(key, Buffer.from(base64, 'base64'));
  return content;
}
