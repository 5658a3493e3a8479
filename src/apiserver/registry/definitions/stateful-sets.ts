import {
  fromLabelSelector,
  matchesSelector,
  type StatefulSet,
  type StatefulSetSpec,
  type StatusCause,
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
  required,
  validateLabels,
  validateWith,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { change, each, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { validatePodSpec } from './pod-validation.ts';
import { claimSpecCauses } from './volume-validation.ts';

const UPDATABLE = [
  ...['replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit'],
  ...['persistentVolumeClaimRetentionPolicy', 'minReadySeconds'],
] as const;

export const statefulSetDefinition = defineResource<StatefulSet>(statefulSets, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Ready', (set) => `${set.status?.readyReplicas ?? 0}/${set.spec?.replicas ?? 0}`, {
      description: 'Number of the pod with ready state',
    }),
    ageColumn(),
    wideColumn(
      'Containers',
      (set) => set.spec?.template.spec?.containers.map((one) => one.name).join(',') ?? '',
    ),
    wideColumn(
      'Images',
      (set) => set.spec?.template.spec?.containers.map((one) => one.image).join(',') ?? '',
    ),
  ],
  strategy: {
    tracksGeneration: true,
    defaults: (set) => change(set, 'spec', defaultSpec),
    prepareForCreate: (set) => ({ ...set, status: { replicas: 0, availableReplicas: 0 } }),
    validateName: isDNS1123Label,
    validate: ({ spec }) => validateSpec(spec, 'spec'),
    validateUpdate: (next, previous) => {
      const frozen = (spec: StatefulSetSpec | undefined) => ({
        ...spec,
        ...Object.fromEntries(UPDATABLE.map((name) => [name, undefined])),
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

/** Defaults: Kubernetes 1.36, pkg/apis/apps/v1 SetDefaults_StatefulSet. */
function defaultSpec(spec: StatefulSetSpec): StatefulSetSpec {
  let result = fill<StatefulSetSpec>(spec, {
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
    return typed.type === 'RollingUpdate'
      ? change(typed, 'rollingUpdate', (rolling) => fill(rolling, { partition: 0 }))
      : typed;
  });
  result = change(result, 'persistentVolumeClaimRetentionPolicy', (policy) =>
    fill(policy, { whenDeleted: 'Retain', whenScaled: 'Retain' }),
  );
  result = change(result, 'template', defaultPodTemplate);
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

/** Rules: Kubernetes 1.36, pkg/apis/apps/validation ValidateStatefulSetSpec. */
function validateSpec(spec: StatefulSetSpec | undefined, path: string): StatusCause[] {
  if (!spec) return [required(`${path}.selector`), required(`${path}.template.spec.containers`)];
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
        rollingUpdate,
        "only allowed for updateStrategy 'RollingUpdate'",
      ),
    );
  } else if (type !== 'OnDelete' && type !== 'RollingUpdate') {
    causes.push(
      invalidValue(`${path}.updateStrategy`, spec.updateStrategy, "must be 'RollingUpdate' or 'OnDelete'"),
    );
  }
  for (const name of ['whenDeleted', 'whenScaled'] as const) {
    const value = spec.persistentVolumeClaimRetentionPolicy?.[name];
    if (value !== 'Retain' && value !== 'Delete') {
      causes.push(
        notSupported(`${path}.persistentVolumeClaimRetentionPolicy.${name}`, value, ['Delete', 'Retain']),
      );
    }
  }
  for (const name of ['replicas', 'minReadySeconds'] as const) {
    const value = spec[name] ?? 0;
    if (value < 0) causes.push(invalidValue(`${path}.${name}`, value, 'must be greater than or equal to 0'));
  }
  if ((spec.ordinals?.start ?? 0) < 0) {
    causes.push(
      invalidValue(`${path}.ordinals.start`, spec.ordinals?.start, 'must be greater than or equal to 0'),
    );
  }
  if (spec.serviceName) causes.push(...validateWith(`${path}.serviceName`, spec.serviceName, isDNS1123Label));
  for (const [index, template] of (spec.volumeClaimTemplates ?? []).entries()) {
    const here = at(`${path}.volumeClaimTemplates`, index);
    if (!template.metadata?.name) causes.push(required(`${here}.metadata.name`));
    else causes.push(...validateWith(`${here}.metadata.name`, template.metadata.name, isDNS1123Label));
    causes.push(...claimSpecCauses(template.spec, `${here}.spec`));
  }
  return [...causes, ...validateSelectorAndTemplate(spec, path)];
}

function validateSelectorAndTemplate(spec: StatefulSetSpec, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { selector, template } = spec;
  if (!selector) causes.push(required(`${path}.selector`));
  else {
    causes.push(...validateLabels(`${path}.selector.matchLabels`, selector.matchLabels));
    const requirements = fromLabelSelector(selector);
    if (requirements.length === 0) {
      causes.push(invalidValue(`${path}.selector`, selector, 'empty selector is invalid for statefulset'));
    } else if (!matchesSelector(requirements, template?.metadata?.labels)) {
      causes.push(
        invalidValue(
          `${path}.template.metadata.labels`,
          template?.metadata?.labels ?? null,
          '`selector` does not match template `labels`',
        ),
      );
    }
  }
  // Claims become volumes of the same name; they win over the template's own.
  const claims = new Map<string, Volume>(
    (spec.volumeClaimTemplates ?? []).map((one) => {
      const name = one.metadata?.name ?? '';
      return [name, { name, persistentVolumeClaim: { claimName: name || 'claim' } }];
    }),
  );
  const podSpec = template?.spec && {
    ...template.spec,
    hostname: undefined,
    subdomain: undefined,
    volumes: [
      ...claims.values(),
      ...(template.spec.volumes ?? []).filter((volume) => !claims.has(volume.name)),
    ],
  };
  causes.push(...validatePodSpec(podSpec, `${path}.template.spec`));
  if (podSpec && podSpec.restartPolicy !== 'Always') {
    causes.push(notSupported(`${path}.template.spec.restartPolicy`, podSpec.restartPolicy, ['Always']));
  }
  if (podSpec?.activeDeadlineSeconds !== undefined) {
    causes.push(
      forbiddenField(
        `${path}.template.spec.activeDeadlineSeconds`,
        'activeDeadlineSeconds in StatefulSet is not Supported',
      ),
    );
  }
  return causes;
}
