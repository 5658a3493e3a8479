import {
  forbidden,
  type Pod,
  type PriorityClass,
  pods,
  priorityClasses,
  type Stored,
} from '../../kube/index.ts';
import type { AdmissionPlugin, AdmissionReader } from './contract.ts';

interface Resolved {
  readonly name: string | undefined;
  readonly value: number;
  readonly preemptionPolicy: string;
}

/** A pod's priority comes from its class, or the default class, or is 0. @throws StatusError 403 */
export const priority: AdmissionPlugin = {
  name: 'Priority',
  operations: ['CREATE', 'UPDATE'],
  resources: [pods],
  mutate(object, { operation, previous, reader }) {
    const pod = object as Pod;
    if (!pod.spec) return pod;
    if (operation === 'UPDATE') return keep(pod, previous as Stored<Pod>);
    const { name, value, preemptionPolicy } = resolve(pod.spec.priorityClassName, pod, reader);
    const refuse = (why: string) => forbidden(pods, pod.metadata?.name ?? '', why);
    if (pod.spec.priority !== undefined && pod.spec.priority !== value) {
      throw refuse(
        `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    }
    if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== preemptionPolicy) {
      throw refuse(
        `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    }
    const spec = { ...pod.spec, priority: value, preemptionPolicy };
    return { ...pod, spec: name ? { ...spec, priorityClassName: name } : spec } as Pod;
  },
};

/** Clients that do not know the fields may leave them out of an update. */
function keep(pod: Pod, previous: Stored<Pod>): Pod {
  const { priority: value, preemptionPolicy } = previous.spec ?? {};
  if (pod.spec?.priority !== undefined && pod.spec.preemptionPolicy !== undefined) return pod;
  return {
    ...pod,
    spec: {
      ...pod.spec!,
      priority: pod.spec?.priority ?? value,
      preemptionPolicy: pod.spec?.preemptionPolicy ?? preemptionPolicy,
    },
  };
}

function resolve(name: string | undefined, pod: Pod, reader: AdmissionReader): Resolved {
  if (!name) {
    const fallback = defaultClass(reader.list(priorityClasses));
    return {
      name: fallback?.metadata.name,
      value: fallback?.value ?? 0,
      preemptionPolicy: fallback?.preemptionPolicy ?? 'PreemptLowerPriority',
    };
  }
  const found = reader.get(priorityClasses, undefined, name);
  if (!found) throw forbidden(pods, pod.metadata?.name ?? '', `no PriorityClass with name ${name} was found`);
  const { value, preemptionPolicy = 'PreemptLowerPriority' } = found;
  return { name, value: value ?? 0, preemptionPolicy };
}

/** Of several defaults the one with the lowest value. */
function defaultClass(classes: Iterable<Stored<PriorityClass>>): Stored<PriorityClass> | undefined {
  let best: Stored<PriorityClass> | undefined;
  for (const one of classes) {
    if (one.globalDefault && (!best || (one.value ?? 0) < (best.value ?? 0))) best = one;
  }
  return best;
}
