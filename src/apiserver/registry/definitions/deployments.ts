import {
  type Deployment,
  type DeploymentSpec,
  deployments,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import { equal, forbiddenField, invalidValue, notSupported, unchanged } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { podNameWarnings } from './deprecations.ts';
import { goForm } from './go-form.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { templateColumns } from './workload-cells.ts';
import { workloadScale } from './workload-scale.ts';
import {
  atMost100PercentCauses,
  intOrPercentCauses,
  intOrPercentValue,
  nonNegativeCauses,
  podTemplateCauses,
  replicatedTemplateCauses,
  templateLabelCauses,
  workloadSelectorCauses,
} from './workload-validation.ts';

export const deploymentDefinition = defineResource<Deployment>(deployments, {
  subresources: ['status', 'scale'],
  scale: workloadScale,
  columns: [
    nameColumn(),
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`, {
      description: 'Number of the pod with ready state',
    }),
    column('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0, {
      description: 'How many pods are of the newest template.',
    }),
    column('Available', ({ status }) => status?.availableReplicas ?? 0, {
      description: 'How many pods have been ready for long enough.',
    }),
    ageColumn(),
    ...templateColumns<Deployment>(
      ({ spec }) => spec?.template,
      ({ spec }) => spec?.selector,
    ),
  ],
  strategy: {
    tracksGeneration: true,
    warnings: podNameWarnings,
    // Annotations are copied to the replica sets, so they count, too.
    alsoInGeneration: (next, previous) =>
      !equal(next.metadata?.annotations ?? {}, previous.metadata.annotations ?? {}),
    defaults: (deployment) => change(deployment, 'spec', defaultSpec),
    prepareForCreate: (deployment) => ({ ...deployment, status: {} }),
    prepareForStatusUpdate: (next, previous) => ({
      ...next,
      metadata: { ...next.metadata, labels: previous.metadata.labels },
    }),
    validate: ({ spec }) => validateSpec(spec, 'spec'),
    validateUpdate: (next, previous) =>
      unchanged('spec.selector', next.spec?.selector, previous.spec?.selector),
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
  const rolling = change(filled, 'strategy', (strategy) => {
    const typed = fill(strategy, { type: 'RollingUpdate' });
    if (typed.type !== 'RollingUpdate') return typed;
    return change(fill(typed, { rollingUpdate: {} }), 'rollingUpdate', (update) =>
      fill<typeof update>(update, { maxUnavailable: '25%', maxSurge: '25%' }),
    );
  });
  return change(rolling, 'template', defaultPodTemplate);
}

/** Rules: Kubernetes 1.36, pkg/apis/apps/validation ValidateDeploymentSpec. */
function validateSpec(spec: DeploymentSpec | undefined, path: string): StatusCause[] {
  const causes = [
    ...nonNegativeCauses(`${path}.replicas`, spec?.replicas),
    ...workloadSelectorCauses(spec?.selector, 'deployment', `${path}.selector`),
    ...templateLabelCauses(spec?.template, spec?.selector, `${path}.template`),
    ...podTemplateCauses(spec?.template, `${path}.template`),
    ...replicatedTemplateCauses(spec?.template, 'ReplicaSet', `${path}.template`),
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
  const counts = [
    ...(['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas'] as const),
    ...(['availableReplicas', 'unavailableReplicas', 'terminatingReplicas', 'collisionCount'] as const),
  ];
  const causes = counts.flatMap((name) => nonNegativeCauses(`status.${name}`, status?.[name]));
  const { replicas = 0, readyReplicas = 0 } = status ?? {};
  for (const name of ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const value = status?.[name] ?? 0;
    if (value > replicas)
      causes.push(invalidValue(`status.${name}`, value, 'cannot be greater than status.replicas'));
  }
  const available = status?.availableReplicas ?? 0;
  if (available > readyReplicas) {
    causes.push(invalidValue('status.availableReplicas', available, 'cannot be greater than readyReplicas'));
  }
  const collisions = status?.collisionCount ?? 0;
  if (collisions < (previous.status?.collisionCount ?? 0)) {
    causes.push(invalidValue('status.collisionCount', collisions, 'cannot be decremented'));
  }
  return causes;
}
