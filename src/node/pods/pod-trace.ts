import type { Span, Trace } from '../../base/index.ts';
import { keyOf, type Pod, type Stored } from '../../kube/index.ts';

/** The claims that a pod uses, as `namespace/name`: the journeys that it is a part of. Without claims: itself. */
export function journeysOf(pod: Stored<Pod>): readonly string[] {
  const { namespace, name } = pod.metadata;
  const claims: string[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.persistentVolumeClaim) claims.push(`${namespace}/${volume.persistentVolumeClaim.claimName}`);
    if (volume.ephemeral) claims.push(`${namespace}/${name}-${volume.name}`);
  }
  return claims.length > 0 ? claims : [`pod:${keyOf(pod)}`];
}

/** Begins a step in each of a pod's journeys; the one span ends them all. */
export function beginStep(trace: Trace, step: 'run' | 'stop', pod: Stored<Pod>, nodeName: string): Span {
  const attributes = { pod: keyOf(pod), node: nodeName };
  const spans = journeysOf(pod).map((journey) => trace.begin('pods', step, journey, attributes));
  return {
    ok: (more) => {
      for (const span of spans) span.ok(more);
    },
    fail: (reason, more) => {
      for (const span of spans) span.fail(reason, more);
    },
  };
}
