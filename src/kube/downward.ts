import { parseNano, quantityMilliValue, quantityValue } from './quantity.ts';
import type { Container, KubeObject } from './types.ts';

const SUBSCRIPT = /^(.+?)\['(.*)'\]$/s;

/**
 * A field of an object's metadata as text (ExtractFieldPathAsString, pkg/fieldpath).
 * @throws Error on a path that cannot be referred to.
 */
export function metadataFieldValue({ metadata }: KubeObject, path: string): string {
  const [, field, key] = SUBSCRIPT.exec(path) ?? [];
  if (field !== undefined && key !== undefined) {
    if (field === 'metadata.labels') return metadata?.labels?.[key] ?? '';
    if (field === 'metadata.annotations') return metadata?.annotations?.[key] ?? '';
    throw new Error(`fieldPath ${JSON.stringify(field)} does not support subscript`);
  }
  switch (path) {
    case 'metadata.name':
      return metadata?.name ?? '';
    case 'metadata.namespace':
      return metadata?.namespace ?? '';
    case 'metadata.uid':
      return metadata?.uid ?? '';
    case 'metadata.labels':
      return formatMap(metadata?.labels);
    case 'metadata.annotations':
      return formatMap(metadata?.annotations);
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** KEY="value" lines, sorted (fieldpath.FormatMap). */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/**
 * The value of a resourceFieldRef, rounded up to its divisor. A limit that is not set is the node's allocatable.
 * @throws Error on a name that cannot be referred to.
 */
export function resourceFieldValue(
  resource: string,
  divisor: string | undefined,
  container: Container,
  allocatable: Readonly<Record<string, string>>,
): string {
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource);
  if (!match) throw new Error(`unsupported container resource : ${resource}`);
  const [, list, name] = match as unknown as [string, 'limits' | 'requests', string];
  const { limits, requests } = container.resources ?? {};
  const limit = limits?.[name] ?? allocatable[name];
  const quantity = (list === 'limits' ? limit : (requests?.[name] ?? limits?.[name])) ?? '0';
  const unit = divisor === undefined || parseNano(divisor) === 0n ? '1' : divisor;
  const [value, by] =
    name === 'cpu'
      ? [quantityMilliValue(quantity), quantityMilliValue(unit)]
      : [quantityValue(quantity), quantityValue(unit)];
  return String(by === 0n ? 0n : (value + by - 1n) / by);
}
