import { interest, UPDATE_POD_GATES_ELIMINATED } from '../cluster-events.ts';
import type { Plugin } from '../plugin.ts';
import { unresolvable } from '../status.ts';

/** Holds a pod back while it carries spec.schedulingGates. */
export function schedulingGates(): Plugin {
  return {
    name: 'SchedulingGates',
    interests: [
      interest('Pod', UPDATE_POD_GATES_ELIMINATED, (pod, _before, after) => after?.metadata.uid === pod.uid),
    ],
    preEnqueue({ pod }) {
      const gates = pod.spec?.schedulingGates ?? [];
      if (gates.length === 0) return undefined;
      return unresolvable(`waiting for scheduling gates: [${gates.map(({ name }) => name).join(' ')}]`);
    },
  };
}
