import { type Pod, pods, type Stored } from '../../../kube/index.ts';
import { isDNS1123Label } from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { change } from './defaulting.ts';
import { defineResource } from './define.ts';
import { ephemeralContainers } from './ephemeral-containers.ts';
import { bindPod } from './pod-binding.ts';
import { summarizePod } from './pod-cells.ts';
import { newPod } from './pod-new.ts';
import { defaultPodOnly, defaultPodSpec } from './pod-spec-defaults.ts';
import { podUpdateCauses } from './pod-update-validation.ts';
import { validateNewPod, validatePod } from './pod-validation.ts';
import { podWarnings } from './pod-warnings.ts';

export const podDefinition = defineResource<Pod>(pods, {
  subresources: ['status', 'binding', 'ephemeralcontainers', 'eviction'],
  columns: [
    nameColumn(),
    column('Ready', (pod, nowMs) => summarizePod(pod, nowMs).ready, {
      description: 'How many of the containers are ready.',
    }),
    column('Status', (pod, nowMs) => summarizePod(pod, nowMs).status, {
      description: 'What the containers of the pod are doing, as one word.',
    }),
    column('Restarts', (pod, nowMs) => summarizePod(pod, nowMs).restarts, {
      description: 'How often containers were restarted, and when last.',
    }),
    ageColumn(),
    wideColumn('IP', (pod) => pod.status?.podIPs?.[0]?.ip || '<none>'),
    wideColumn('Node', (pod) => pod.spec?.nodeName || '<none>'),
    wideColumn('Nominated Node', (pod) => pod.status?.nominatedNodeName || '<none>'),
    wideColumn('Readiness Gates', readinessGates),
  ],
  // The lists of the kubelets.
  indexedFields: ['spec.nodeName'],
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    // It may be asked for, and no pod has it.
    'status.podIPs': () => '',
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  strategy: {
    tracksGeneration: true,
    defaults: (pod) => change(pod, 'spec', (spec) => defaultPodOnly(defaultPodSpec(spec))),
    prepareForCreate: newPod,
    prepareForStatusUpdate: (next, previous) => ({
      ...next,
      // Old kubelets corrupted owner references through here; and the QoS class never changes.
      metadata: { ...next.metadata, ownerReferences: previous.metadata.ownerReferences },
      status: { ...next.status, qosClass: next.status?.qosClass || previous.status?.qosClass },
    }),
    validate: (pod) => validatePod(pod.spec, pod.metadata?.name),
    validateNew: (pod) => validateNewPod(pod.spec),
    validateUpdate: podUpdateCauses,
    warnings,
    gracePeriodSeconds,
  },
  actions: { binding: bindPod },
  updatable: { ephemeralcontainers: ephemeralContainers },
});

/** Told once: people hardly ever change pods by hand. */
function warnings({ metadata, spec }: Pod, previous: Pod | undefined): string[] {
  if (previous) return [];
  const found = isDNS1123Label(metadata?.name ?? '');
  const name =
    found.length === 0
      ? []
      : [
          `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${found.join(' ')}]`,
        ];
  return [...name, ...podWarnings(spec, metadata)];
}

/** A pod that no node has, or that has ended, goes at once (podStrategy CheckGracefulDelete). */
export function gracePeriodSeconds(pod: Stored<Pod>, asked: number | undefined): number {
  if (!pod.spec?.nodeName || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return 0;
  const period = asked ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  return period < 0 ? 1 : period;
}

function readinessGates(pod: Stored<Pod>): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const met = gates.filter((gate) =>
    pod.status?.conditions?.some((one) => one.type === gate.conditionType && one.status === 'True'),
  );
  return `${met.length}/${gates.length}`;
}
