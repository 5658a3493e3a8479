import type { PodTemplateSpec } from '../../kube/index.ts';

/**
 * What a ControllerRevision keeps of a set: its pod template, as a patch that puts it back. In the order in which Go
 * writes a map, so that kube-controller-manager, should it take over, finds in it byte by byte what it would write
 * itself: otherwise it would make another revision and replace every pod.
 */
export function templatePatch(template: PodTemplateSpec | undefined): object {
  return { spec: { template: sorted({ ...template, $patch: 'replace' }) } };
}

/** The text that Go's encoding/json makes of it, whose hash upstream's names end with. */
export function goJson(value: object): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sorted(member)]),
  );
}
