import {
  type Deployment,
  type DeploymentSpec,
  deployments,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import { equal, forbiddenField, invalidValue, notSupported } from '../validation/index.ts';
import { column } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { podNameWarnings } from './deprecations.ts';
import { goForm } from './go-form.ts';
import { defaultRolling, defineWorkload } from './workload-definition.ts';
import {
  atMost100PercentCauses,
  atMostCauses,
  collisionCauses,
  countCauses,
  intOrPercentCauses,
  intOrPercentValue,
  nonNegativeCauses,
  selectorAndTemplateCauses,
} from './workload-validation.ts';

export const deploymentDefinition = defineWorkload<Deployment, DeploymentSpec>(deployments, {
  columns: [
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`, {
      description: 'Number of the pod with ready state',
    }),
    column('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0, {
      description: 'How many pods are of the newest template.',
    }),
    column('Available', ({ status }) => status?.availableReplicas ?? 0, {
      description: 'How many pods have been ready for long enough.',
    }),
  ],
  defaultSpec,
  validateSpec,
  newStatus: {},
  strategy: {
    warnings: podNameWarnings,
    // Annotations are copied to the replica sets, so they count, too.
    alsoInGeneration: (next, previous) =>
      !equal(next.metadata?.annotations ?? {}, previous.metadata.annotations ?? {}),
    prepareForStatusUpdate: (next, previous) => ({
      ...next,
      metadata: { ...next.metadata, labels: previous.metadata.labels },
    }),
    validateStatusUpdate,
  },
});

/** Defaults: Kubernetes 1.36, pkg/apis/apps/v1 SetDefaults_Deployment. */
function defaultSpec(spec: DeploymentSpec): DeploymentSpec {
  const filled = fill<DeploymentSpec>(spec, {
    replicas: 1,
    strategy: {},
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  });
  return change(filled, 'strategy', (strategy) =>
    defaultRolling(strategy, { maxUnavailable: '25%', maxSurge: '25%' }),
  );
}

/** Rules: Kubernetes 1.36, pkg/apis/apps/validation ValidateDeploymentSpec. */
function validateSpec(spec: DeploymentSpec | undefined, path: string): StatusCause[] {
  const causes = [
    ...nonNegativeCauses(`${path}.replicas`, spec?.replicas),
    ...selectorAndTemplateCauses(spec?.selector, spec?.template, {
      kind: 'ReplicaSet',
      selectorOf: 'deployment',
      path,
    }),
    ...validateStrategy(spec?.strategy, `${path}.strategy`),
    ...nonNegativeCauses(`${path}.minReadySeconds`, spec?.minReadySeconds),
    ...nonNegativeCauses(`${path}.revisionHistoryLimit`, spec?.revisionHistoryLimit),
    ...nonNegativeCauses(`${path}.progressDeadlineSeconds`, spec?.progressDeadlineSeconds),
  ];
  const deadline = spec?.progressDeadlineSeconds;
  if (deadline !== undefined && deadline <= (spec?.minReadySeconds ?? 0)) {
    causes.push(
      invalidValue(`${path}.progressDeadlineSeconds`, deadline, 'must be greater than minReadySeconds'),
    );
  }
  return causes;
}

function validateStrategy(strategy: DeploymentSpec['strategy'], path: string): StatusCause[] {
  const rolling = strategy?.rollingUpdate;
  if (strategy?.type === 'Recreate') {
    if (!rolling) return [];
    return [
      forbiddenField(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"),
    ];
  }
  if (strategy && strategy.type !== 'RollingUpdate') {
    return [notSupported(path, goForm('UpdateStrategy', strategy), ['Recreate', 'RollingUpdate'])];
  }
  const here = `${path}.rollingUpdate`;
  const causes = [
    ...intOrPercentCauses(`${here}.maxUnavailable`, rolling?.maxUnavailable),
    ...intOrPercentCauses(`${here}.maxSurge`, rolling?.maxSurge),
  ];
  if (
    rolling &&
    intOrPercentValue(rolling.maxUnavailable) === 0 &&
    intOrPercentValue(rolling.maxSurge) === 0
  ) {
    causes.push(
      invalidValue(`${here}.maxUnavailable`, rolling.maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
    );
  }
  return [...causes, ...atMost100PercentCauses(`${here}.maxUnavailable`, rolling?.maxUnavailable)];
}

/** Rules: ValidateDeploymentStatusUpdate. */
function validateStatusUpdate({ status }: Deployment, previous: Stored<Deployment>): StatusCause[] {
  return [
    ...countCauses(status, [
      ...(['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas'] as const),
      ...(['availableReplicas', 'unavailableReplicas', 'terminatingReplicas', 'collisionCount'] as const),
    ]),
    ...atMostCauses(status, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], 'replicas'),
    ...atMostCauses(status, ['availableReplicas'], 'readyReplicas', 'readyReplicas'),
    ...collisionCauses(status, previous.status),
  ];
}
