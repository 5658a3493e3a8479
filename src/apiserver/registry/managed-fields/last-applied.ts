import type { KubeObject, Stored } from '../../../kube/index.ts';
import { compare } from './compare.ts';
import { difference, type FieldSet } from './field-set.ts';
import { fieldsOf } from './fields-of.ts';
import type { Json, Shape } from './shape.ts';

/** Where client-side apply keeps what it applied. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The fields that client-side apply has set and that still are as it set them; `undefined` when it never came here. */
export function lastAppliedFields(shape: Shape, live: Stored<KubeObject>): FieldSet | undefined {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (!text) return undefined;
  let config: Json;
  try {
    config = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  if (config?.apiVersion !== live.apiVersion) return undefined;
  const { added, modified, removed } = compare(shape, config, live);
  return difference(difference(difference(fieldsOf(shape, config), modified), added), removed);
}

/** The object with the configuration as the one that was applied last: later client-side applies compare with it. */
export function withLastApplied(object: KubeObject, config: Json): KubeObject {
  const metadata = (config.metadata ?? {}) as { annotations?: Json };
  const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations ?? {};
  const kept = { ...metadata, annotations: metadata.annotations && annotations };
  const text = `${JSON.stringify({ ...config, metadata: kept })}\n`;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [LAST_APPLIED]: text } },
  };
}
