import { type ReplicaSet, type ReplicaSetSpec, replicaSets, type StatusCause } from '../../../kube/index.ts';
import { column } from './columns.ts';
import { fill } from './defaulting.ts';
import { podNameWarnings } from './deprecations.ts';
import { defineWorkload } from './workload-definition.ts';
import {
  atMostCauses,
  countCauses,
  nonNegativeCauses,
  selectorAndTemplateCauses,
} from './workload-validation.ts';

export const replicaSetDefinition = defineWorkload<ReplicaSet, ReplicaSetSpec>(replicaSets, {
  columns: [
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
  ],
  defaultSpec: (spec) => fill<ReplicaSetSpec>(spec, { replicas: 1 }),
  validateSpec,
  newStatus: { replicas: 0 },
  strategy: { warnings: podNameWarnings, validateStatusUpdate: validateStatus },
});

/** Rules: Kubernetes 1.36, pkg/apis/apps/validation ValidateReplicaSetSpec. */
function validateSpec(spec: ReplicaSetSpec | undefined, path: string): StatusCause[] {
  return [
    ...nonNegativeCauses(`${path}.replicas`, spec?.replicas),
    ...nonNegativeCauses(`${path}.minReadySeconds`, spec?.minReadySeconds),
    ...selectorAndTemplateCauses(spec?.selector, spec?.template, {
      kind: 'ReplicaSet',
      // The word is upstream's.
      selectorOf: 'deployment',
      path,
    }),
  ];
}

/** Rules: ValidateReplicaSetStatus. */
function validateStatus({ status }: ReplicaSet): StatusCause[] {
  return [
    ...countCauses(status, [
      ...(['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const),
      ...(['observedGeneration', 'terminatingReplicas'] as const),
    ]),
    ...atMostCauses(status, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas'),
    ...atMostCauses(status, ['availableReplicas'], 'readyReplicas', 'readyReplicas'),
  ];
}
