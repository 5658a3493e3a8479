import { type Secret, secrets } from '../../kube/index.ts';
import type { Payload } from '../atomic-writer/atomic-writer.ts';
import { type KeyProjection, makePayload } from '../atomic-writer/payload.ts';
import { type PayloadRequest, readUnlessOptional } from './request.ts';

/** The keys of a Secret as files. */
export async function secretPayload(
  source: Pick<KeyProjection, 'items' | 'optional'> & { readonly name?: string },
  { read, defaultMode }: PayloadRequest,
): Promise<Payload> {
  const { name = '', items, optional } = source;
  const found = await readUnlessOptional(read(secrets, name), 'secret', name, optional);
  return makePayload(
    contentOf(found),
    { items, optional, defaultMode },
    (key) => `references non-existent secret key: ${key}`,
  );
}

function contentOf(secret: Secret | undefined): Map<string, Uint8Array> {
  return new Map(
    Object.entries(secret?.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')]),
  );
}
