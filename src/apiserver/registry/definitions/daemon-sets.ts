import {
  annotation,
  type DaemonSet,
  type DaemonSetSpec,
  daemonSets,
  type StatusCause,
  type Stored,
  withAnnotations,
} from '../../../kube/index.ts';
import { equal, invalidValue, notSupported, required } from '../validation/index.ts';
import { column } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { goForm } from './go-form.ts';
import { labelSelectorCauses } from './selector-validation.ts';
import { labelsCell } from './workload-cells.ts';
import { defaultRolling, defineWorkload } from './workload-definition.ts';
import {
  atMost100PercentCauses,
  collisionCauses,
  countCauses,
  intOrPercentCauses,
  intOrPercentValue,
  nonNegativeCauses,
  podTemplateCauses,
  replicatedTemplateCauses,
  templateLabelCauses,
} from './workload-validation.ts';

/** What spec.templateGeneration of old versions has become: a count of template changes. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

const NEW_STATUS = {
  currentNumberScheduled: 0,
  numberMisscheduled: 0,
  desiredNumberScheduled: 0,
  numberReady: 0,
};

const count = (
  name: string,
  field: 'desiredNumberScheduled' | 'currentNumberScheduled' | 'numberReady' | CountOptional,
  description: string,
) => column<DaemonSet>(name, ({ status }) => status?.[field] ?? 0, { type: 'integer', description });
type CountOptional = 'updatedNumberScheduled' | 'numberAvailable';

export const daemonSetDefinition = defineWorkload<DaemonSet, DaemonSetSpec>(daemonSets, {
  scales: false,
  columns: [
    count('Desired', 'desiredNumberScheduled', 'On how many nodes there is to be a pod.'),
    count('Current', 'currentNumberScheduled', 'On how many of them there is one.'),
    count('Ready', 'numberReady', 'On how many of them one is ready.'),
    count('Up-to-date', 'updatedNumberScheduled', 'On how many of them one is of the newest template.'),
    count('Available', 'numberAvailable', 'On how many of them one has been ready for long enough.'),
    column('Node Selector', ({ spec }) => labelsCell(spec?.template.spec?.nodeSelector), {
      description: 'The labels of the nodes that get a pod.',
    }),
  ],
  defaultSpec,
  validateSpec,
  newStatus: NEW_STATUS,
  strategy: {
    prepareForCreate: (set) => ({
      ...withTemplateGeneration(set, Math.max(1, templateGeneration(set))),
      status: NEW_STATUS,
    }),
    prepareForUpdate: (next, previous) =>
      withTemplateGeneration(
        next,
        templateGeneration(previous) + (equal(next.spec?.template, previous.spec?.template) ? 0 : 1),
      ),
    validateStatusUpdate,
  },
});

function templateGeneration(set: DaemonSet): number {
  return Number(annotation(set, TEMPLATE_GENERATION)) || 0;
}

function withTemplateGeneration(set: DaemonSet, generation: number): DaemonSet {
  return withAnnotations(set, { [TEMPLATE_GENERATION]: String(generation) });
}

/** Defaults: Kubernetes 1.36, pkg/apis/apps/v1 SetDefaults_DaemonSet. */
function defaultSpec(spec: DaemonSetSpec): DaemonSetSpec {
  const filled = fill<DaemonSetSpec>(spec, { updateStrategy: {}, revisionHistoryLimit: 10 });
  return change(filled, 'updateStrategy', (strategy) =>
    defaultRolling(strategy, { maxUnavailable: 1, maxSurge: 0 }),
  );
}

/** Rules: Kubernetes 1.36, pkg/apis/apps/validation ValidateDaemonSetSpec. */
function validateSpec(spec: DaemonSetSpec | undefined, path: string): StatusCause[] {
  const { selector } = spec ?? {};
  const causes = [
    ...labelSelectorCauses(selector, `${path}.selector`),
    ...templateLabelCauses(spec?.template, selector, `${path}.template`),
  ];
  if (selector && !Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length) {
    causes.push(invalidValue(`${path}.selector`, selector, 'empty selector is invalid for daemonset'));
  }
  return [
    ...causes,
    ...podTemplateCauses(spec?.template, `${path}.template`),
    ...replicatedTemplateCauses(spec?.template, 'DaemonSet', `${path}.template`),
    ...nonNegativeCauses(`${path}.minReadySeconds`, spec?.minReadySeconds),
    ...validateStrategy(spec?.updateStrategy, `${path}.updateStrategy`),
    ...nonNegativeCauses(`${path}.revisionHistoryLimit`, spec?.revisionHistoryLimit),
  ];
}

function validateStrategy(strategy: DaemonSetSpec['updateStrategy'], path: string): StatusCause[] {
  if (strategy?.type === 'OnDelete') return [];
  if (strategy && strategy.type !== 'RollingUpdate') {
    return [notSupported(path, goForm('UpdateStrategy', strategy), ['RollingUpdate', 'OnDelete'])];
  }
  const here = `${path}.rollingUpdate`;
  const rolling = strategy?.rollingUpdate;
  if (!rolling) return [required(here)];
  const { maxUnavailable, maxSurge } = rolling;
  const causes = [
    ...intOrPercentCauses(`${here}.maxUnavailable`, maxUnavailable),
    ...intOrPercentCauses(`${here}.maxSurge`, maxSurge),
    ...atMost100PercentCauses(`${here}.maxUnavailable`, maxUnavailable),
    ...atMost100PercentCauses(`${here}.maxSurge`, maxSurge),
  ];
  const unavailable = intOrPercentValue(maxUnavailable) !== 0;
  const surge = intOrPercentValue(maxSurge) !== 0;
  if (unavailable && surge) {
    causes.push(invalidValue(`${here}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  }
  if (!unavailable && !surge) {
    causes.push(required(`${here}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  }
  return causes;
}

/** Rules: ValidateDaemonSetStatusUpdate. */
function validateStatusUpdate({ status }: DaemonSet, previous: Stored<DaemonSet>): StatusCause[] {
  return [
    ...countCauses(status, [
      ...(['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled'] as const),
      ...(['numberReady', 'observedGeneration', 'updatedNumberScheduled'] as const),
      ...(['numberAvailable', 'numberUnavailable', 'collisionCount'] as const),
    ]),
    ...collisionCauses(status, previous.status),
  ];
}
