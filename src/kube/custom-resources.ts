import type { Resource } from './resources.ts';
import type { CustomResourceDefinition } from './types.ts';

/** What a CustomResourceDefinition makes the server have: one resource a served version; none until it is established. */
export function resourcesOfDefinition({ spec, status }: CustomResourceDefinition): readonly Resource[] {
  const isEstablished = status?.conditions?.some(
    ({ type, status: is }) => type === 'Established' && is === 'True',
  );
  if (!isEstablished) return [];
  const { kind, plural, singular = kind.toLowerCase(), shortNames = [], categories = [] } = spec.names;
  return spec.versions
    .filter(({ served }) => served)
    .map(({ name: version }) => ({
      group: spec.group,
      version,
      kind,
      plural,
      singular,
      shortNames,
      categories,
      namespaced: spec.scope === 'Namespaced',
    }));
}
