import type { KubeObject, PodTemplateSpec, Stored } from '../../../kube/index.ts';
import { podWarnings } from './pod-warnings.ts';

/**
 * What may not be meant in a template of pods: told when the object is made, and again whenever it becomes another
 * generation (pkg/api/pod GetWarningsForPodTemplate and the strategies that call it).
 */
export function templateWarnings<T extends KubeObject>(
  templateOf: (object: T) => PodTemplateSpec | undefined,
  path: string,
): (next: T, previous: Stored<T> | undefined) => readonly string[] {
  return (next, previous) => {
    if (previous && next.metadata?.generation === previous.metadata.generation) return [];
    const template = templateOf(next);
    return podWarnings(template?.spec, template?.metadata, `${path}.`);
  };
}
