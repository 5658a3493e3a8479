import { type ReplicaSet, type ReplicaSetSpec, replicaSets, type StatusCause } from '../../../kube/index.ts';
import { invalidValue, unchanged } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { podNameWarnings } from './deprecations.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { templateColumns } from './workload-cells.ts';
import { workloadScale } from './workload-scale.ts';
import {
  nonNegativeCauses,
  podTemplateCauses,
  replicatedTemplateCauses,
  templateLabelCauses,
  workloadSelectorCauses,
} from './workload-validation.ts';

export const replicaSetDefinition = defineResource<ReplicaSet>(replicaSets, {
  subresources: ['status', 'scale'],
  scale: workloadScale,
  columns: [
    nameColumn(),
    column('Desired', ({ spec }) => spec?.replicas ?? 0, {
      type: 'integer',
      description: 'How many pods there are to be.',
    }),
    column('Current', ({ status }) => status?.replicas ?? 0, {
      type: 'integer',
      description: 'How many pods there are.',
    }),
    column('Ready', ({ status }) => status?.readyReplicas ?? 0, {
      type: 'integer',
      description: 'How many of them are ready.',
    }),
    ageColumn(),
    ...templateColumns<ReplicaSet>(
      ({ spec }) => spec?.template,
      ({ spec }) => spec?.selector,
    ),
  ],
  strategy: {
    tracksGeneration: true,
    warnings: podNameWarnings,
    defaults: (set) =>
      change(set, 'spec', (spec) =>
        change(fill<ReplicaSetSpec>(spec, { replicas: 1 }), 'template', defaultPodTemplate),
      ),
    prepareForCreate: (set) => ({ ...set, status: { replicas: 0 } }),
    validate: ({ spec }) => validateSpec(spec, 'spec'),
    validateUpdate: (next, previous) =>
      unchanged('spec.selector', next.spec?.selector, previous.spec?.selector),
    validateStatusUpdate: validateStatus,
  },
});

/** Rules: Kubernetes 1.36, pkg/apis/apps/validation ValidateReplicaSetSpec. */
function validateSpec(spec: ReplicaSetSpec | undefined, path: string): StatusCause[] {
  return [
    ...nonNegativeCauses(`${path}.replicas`, spec?.replicas),
    ...nonNegativeCauses(`${path}.minReadySeconds`, spec?.minReadySeconds),
    // The word is upstream's.
    ...workloadSelectorCauses(spec?.selector, 'deployment', `${path}.selector`),
    ...templateLabelCauses(spec?.template, spec?.selector, `${path}.template`),
    ...podTemplateCauses(spec?.template, `${path}.template`),
    ...replicatedTemplateCauses(spec?.template, 'ReplicaSet', `${path}.template`),
  ];
}

/** Rules: ValidateReplicaSetStatus. */
function validateStatus({ status }: ReplicaSet): StatusCause[] {
  const counts = [
    ...(['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const),
    ...(['observedGeneration', 'terminatingReplicas'] as const),
  ];
  const causes = counts.flatMap((name) => nonNegativeCauses(`status.${name}`, status?.[name]));
  for (const name of ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const value = status?.[name] ?? 0;
    if (value > (status?.replicas ?? 0))
      causes.push(invalidValue(`status.${name}`, value, 'cannot be greater than status.replicas'));
  }
  const available = status?.availableReplicas ?? 0;
  if (available > (status?.readyReplicas ?? 0)) {
    causes.push(invalidValue('status.availableReplicas', available, 'cannot be greater than readyReplicas'));
  }
  return causes;
}
