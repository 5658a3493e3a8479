import {
  type StatefulSet,
  type StatefulSetSpec,
  type StatusCause,
  type Stored,
  statefulSets,
  type Volume,
} from '../../../kube/index.ts';
import {
  at,
  equal,
  forbiddenField,
  invalidValue,
  isDNS1123Label,
  notSupported,
  validateWith,
} from '../validation/index.ts';
import { claimSpecCauses, claimSpecWarnings } from './claim-spec-validation.ts';
import { column } from './columns.ts';
import { change, each, fill } from './defaulting.ts';
import { goForm } from './go-form.ts';
import { defineWorkload } from './workload-definition.ts';
import {
  atMostCauses,
  collisionCauses,
  countCauses,
  nonNegativeCauses,
  podTemplateCauses,
  replicatedTemplateCauses,
  templateLabelCauses,
  workloadSelectorCauses,
} from './workload-validation.ts';

type RollingUpdate = NonNullable<NonNullable<StatefulSetSpec['updateStrategy']>['rollingUpdate']>;

const UPDATABLE = [
  ...['replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit'],
  ...['persistentVolumeClaimRetentionPolicy', 'minReadySeconds'],
] as const;

export const statefulSetDefinition = defineWorkload<StatefulSet, StatefulSetSpec>(statefulSets, {
  columns: [
    column('Ready', (set) => `${set.status?.readyReplicas ?? 0}/${set.spec?.replicas ?? 0}`, {
      description: 'Number of the pod with ready state',
    }),
  ],
  selectorColumn: false,
  defaultSpec,
  validateSpec,
  newStatus: { replicas: 0, availableReplicas: 0 },
  strategy: {
    validateName: isDNS1123Label,
    warnings,
    validateStatusUpdate,
    validateUpdate: (next, previous) => {
      const frozen = (spec: StatefulSetSpec | undefined) => ({
        ...spec,
        ...Object.fromEntries(UPDATABLE.map((name) => [name, undefined])),
        // Sets of before this default have none.
        serviceName: spec?.serviceName ?? '',
      });
      if (equal(frozen(next.spec), frozen(previous.spec))) return [];
      return [
        forbiddenField(
          'spec',
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
      ];
    },
  },
});

/** What may not be meant beside the template, which is told of by itself. */
function warnings({ spec }: StatefulSet, previous: Stored<StatefulSet> | undefined): readonly string[] {
  // Upstream's paths differ so.
  const below = previous ? '.Spec' : '';
  return [
    ...(spec?.volumeClaimTemplates ?? []).flatMap((template, index) =>
      claimSpecWarnings(template.spec, `${at('spec.volumeClaimTemplates', index)}${below}`),
    ),
    ...((spec?.revisionHistoryLimit ?? 0) < 0
      ? [
          'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
        ]
      : []),
  ];
}

/** Defaults: Kubernetes 1.36, pkg/apis/apps/v1 SetDefaults_StatefulSet. */
function defaultSpec(spec: StatefulSetSpec): StatefulSetSpec {
  let result = fill<StatefulSetSpec>(spec, {
    serviceName: '',
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: {} },
    persistentVolumeClaimRetentionPolicy: {},
    replicas: 1,
    revisionHistoryLimit: 10,
  });
  result = change(result, 'updateStrategy', (strategy) => {
    const typed = strategy.type
      ? strategy
      : { ...strategy, type: 'RollingUpdate', rollingUpdate: strategy.rollingUpdate ?? {} };
    const known = change(typed, 'rollingUpdate', withoutMaxUnavailable);
    return known.type === 'RollingUpdate'
      ? change(known, 'rollingUpdate', (rolling) => fill(rolling, { partition: 0 }))
      : known;
  });
  result = change(result, 'persistentVolumeClaimRetentionPolicy', (policy) =>
    fill(policy, { whenDeleted: 'Retain', whenScaled: 'Retain' }),
  );
  return change(result, 'volumeClaimTemplates', (templates) =>
    each(templates, (template) =>
      fill(
        change(fill(template, { kind: 'PersistentVolumeClaim', apiVersion: 'v1', spec: {} }), 'spec', (one) =>
          fill(one, { volumeMode: 'Filesystem' }),
        ),
        { status: { phase: 'Pending' } },
      ),
    ),
  );
}

/** How many may be unavailable is not one's choice yet upstream (feature gate MaxUnavailableStatefulSet). */
function withoutMaxUnavailable({ maxUnavailable: _, ...rolling }: RollingUpdate): RollingUpdate {
  return rolling;
}

/** Rules: Kubernetes 1.36, pkg/apis/apps/validation ValidateStatefulSetSpec. */
function validateSpec(spec: StatefulSetSpec | undefined, path: string): StatusCause[] {
  if (!spec) return validateSpec({} as StatefulSetSpec, path);
  const causes: StatusCause[] = [];
  if (spec.podManagementPolicy !== 'OrderedReady' && spec.podManagementPolicy !== 'Parallel') {
    causes.push(
      invalidValue(
        `${path}.podManagementPolicy`,
        spec.podManagementPolicy,
        "must be 'OrderedReady' or 'Parallel'",
      ),
    );
  }
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === 'OnDelete' && rollingUpdate) {
    causes.push(
      invalidValue(
        `${path}.updateStrategy.rollingUpdate`,
        goForm('StatefulSetRollingUpdate', rollingUpdate),
        "only allowed for updateStrategy 'RollingUpdate'",
      ),
    );
  } else if (type !== 'OnDelete' && type !== 'RollingUpdate') {
    const shown = goForm('UpdateStrategy', spec.updateStrategy);
    causes.push(invalidValue(`${path}.updateStrategy`, shown, "must be 'RollingUpdate' or 'OnDelete'"));
  } else if (type === 'RollingUpdate') {
    causes.push(...rollingUpdateCauses(rollingUpdate, `${path}.updateStrategy.rollingUpdate`));
  }
  for (const name of ['whenDeleted', 'whenScaled'] as const) {
    const value = spec.persistentVolumeClaimRetentionPolicy?.[name];
    if (value !== 'Retain' && value !== 'Delete') {
      causes.push(
        notSupported(`${path}.persistentVolumeClaimRetentionPolicy.${name}`, value, ['Retain', 'Delete']),
      );
    }
  }
  for (const [index, template] of (spec.volumeClaimTemplates ?? []).entries()) {
    const here = at(`${path}.volumeClaimTemplates`, index);
    causes.push(...claimSpecCauses(template.spec, `${here}.spec`));
  }
  causes.push(...nonNegativeCauses(`${path}.replicas`, spec.replicas));
  causes.push(...nonNegativeCauses(`${path}.minReadySeconds`, spec.minReadySeconds));
  causes.push(...nonNegativeCauses(`${path}.ordinals.start`, spec.ordinals?.start));
  if (spec.serviceName) causes.push(...validateWith(`${path}.serviceName`, spec.serviceName, isDNS1123Label));
  return [...causes, ...validateSelectorAndTemplate(spec, path)];
}

function validateSelectorAndTemplate(spec: StatefulSetSpec, path: string): StatusCause[] {
  const { selector, template, volumeClaimTemplates = [] } = spec;
  // Claims become volumes of the same name; they win over the template's own.
  const names = volumeClaimTemplates.map((one) => one.metadata?.name ?? '');
  const claims = names.map((name): Volume => ({ name, persistentVolumeClaim: { claimName: name } }));
  const own = template?.spec?.volumes?.filter((volume) => !names.includes(volume.name)) ?? [];
  const whole = template?.spec && {
    ...template,
    // The controller gives pods their own.
    spec: { ...template.spec, hostname: undefined, subdomain: undefined, volumes: [...claims, ...own] },
  };
  return [
    ...workloadSelectorCauses(selector, 'statefulset', `${path}.selector`),
    ...templateLabelCauses(template, selector, `${path}.template`),
    ...podTemplateCauses(whole, `${path}.template`),
    ...replicatedTemplateCauses(template, 'StatefulSet', `${path}.template`),
  ];
}

function rollingUpdateCauses(rolling: RollingUpdate | undefined, path: string): StatusCause[] {
  return nonNegativeCauses(`${path}.partition`, rolling?.partition);
}

/** Rules: ValidateStatefulSetStatusUpdate. */
function validateStatusUpdate({ status }: StatefulSet, previous: Stored<StatefulSet>): StatusCause[] {
  const ofReplicas = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;
  return [
    ...countCauses(status, [
      ...(['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas'] as const),
      ...(['availableReplicas', 'observedGeneration', 'collisionCount'] as const),
    ]),
    ...atMostCauses(status, ofReplicas, 'replicas'),
    ...atMostCauses(status, ['availableReplicas'], 'readyReplicas'),
    ...collisionCauses(status, previous.status),
  ];
}
