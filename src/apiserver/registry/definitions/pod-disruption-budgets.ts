import { type PodDisruptionBudget, podDisruptionBudgets, type StatusCause } from '../../../kube/index.ts';
import { invalidValue, oneOf } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { goForm } from './go-form.ts';
import { labelSelectorCauses } from './selector-validation.ts';
import { atMost100PercentCauses, intOrPercentCauses, nonNegativeCauses } from './workload-validation.ts';

export const podDisruptionBudgetDefinition = defineResource<PodDisruptionBudget>(podDisruptionBudgets, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Min Available', ({ spec }) => String(spec?.minAvailable ?? 'N/A'), {
      description: 'The minimum number of pods that must be available.',
    }),
    column('Max Unavailable', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A'), {
      description: 'The maximum number of pods that may be unavailable.',
    }),
    column('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed ?? 0, {
      type: 'integer',
      description: 'Calculated number of pods that may be disrupted at this time.',
    }),
    ageColumn(),
  ],
  strategy: {
    tracksGeneration: true,
    requiresResourceVersion: true,
    defaults: (budget) => (budget.spec ? budget : { ...budget, spec: {} }),
    prepareForCreate: (budget) => ({
      ...budget,
      status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
    }),
    validate,
    validateStatusUpdate: ({ status }) =>
      (['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap((name) =>
        nonNegativeCauses(`status.${name}`, status?.[name]),
      ),
  },
});

/** Rules: Kubernetes 1.36, pkg/apis/policy/validation ValidatePodDisruptionBudgetSpec. */
function validate({ spec }: PodDisruptionBudget): StatusCause[] {
  const causes: StatusCause[] = [];
  if (spec?.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    causes.push(
      invalidValue(
        'spec',
        goForm('PodDisruptionBudgetSpec', spec),
        'minAvailable and maxUnavailable cannot be both set',
      ),
    );
  }
  for (const name of ['minAvailable', 'maxUnavailable'] as const) {
    causes.push(...intOrPercentCauses(`spec.${name}`, spec?.[name]));
    causes.push(...atMost100PercentCauses(`spec.${name}`, spec?.[name]));
  }
  causes.push(...labelSelectorCauses(spec?.selector, 'spec.selector'));
  causes.push(
    ...oneOf('spec.unhealthyPodEvictionPolicy', spec?.unhealthyPodEvictionPolicy, [
      'AlwaysAllow',
      'IfHealthyBudget',
    ]),
  );
  return causes;
}
