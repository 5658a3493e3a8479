import {
  type ResourceQuota,
  type ResourceQuotaSpec,
  resourceQuotas,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import { at, equal, immutable, invalidValue, required } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { goForm } from './go-form.ts';
import { isQuotaResource, quotaResourceNameCauses, resourceQuantityCauses } from './resource-names.ts';

export const resourceQuotaDefinition = defineResource<ResourceQuota>(resourceQuotas, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Request', (quota) => usage(quota, (name) => !name.startsWith('limits.')), {
      description: 'How much of each resource is used and how much may be.',
    }),
    column('Limit', (quota) => usage(quota, (name) => name.startsWith('limits.')), {
      description: 'The same of the limits of containers.',
    }),
    ageColumn(),
  ],
  strategy: {
    defaults: (quota) => (quota.spec ? quota : { ...quota, spec: {} }),
    prepareForCreate: (quota) => ({ ...quota, status: {} }),
    validate: ({ spec, status }) => [
      ...hardCauses('spec.hard', spec?.hard),
      ...scopeCauses(spec),
      ...selectorCauses(spec),
      ...statusCauses(status),
    ],
    validateUpdate: (next, previous) => {
      const scopes = (quota: ResourceQuota) => [...new Set(quota.spec?.scopes)].sort();
      return equal(scopes(next), scopes(previous))
        ? []
        : [immutable('spec.scopes', next.spec?.scopes ?? null)];
    },
    validateStatusUpdate: ({ status }) => statusCauses(status),
  },
});

function statusCauses(status: ResourceQuota['status']): StatusCause[] {
  return [...hardCauses('status.hard', status?.hard), ...hardCauses('status.used', status?.used)];
}

function hardCauses(path: string, amounts: Readonly<Record<string, string>> | undefined): StatusCause[] {
  return Object.entries(amounts ?? {}).flatMap(([name, quantity]) => [
    ...quotaResourceNameCauses(at(path, name), name),
    ...resourceQuantityCauses(at(path, name), name, quantity),
  ]);
}

const POD_COMPUTE = [
  ...['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory', 'pods'],
];

/** What a quota with a scope can be of. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  Terminating: POD_COMPUTE,
  NotTerminating: POD_COMPUTE,
  NotBestEffort: POD_COMPUTE,
  PriorityClass: POD_COMPUTE,
  CrossNamespacePodAffinity: POD_COMPUTE,
  BestEffort: ['pods'],
  VolumeAttributesClass: ['persistentvolumeclaims', 'requests.storage'],
};
/** Those that are there or not, without values. */
const PLAIN_SCOPES = [
  ...['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'],
];
const EXCLUSIVE = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

/** The quota's resources that the scope does not go with. */
function unfit(scope: string, spec: ResourceQuotaSpec): readonly string[] {
  return Object.keys(spec.hard ?? {}).filter(
    (name) => isQuotaResource(name) && Object.hasOwn(SCOPES, scope) && !SCOPES[scope]!.includes(name),
  );
}

function conflicts(scopes: readonly string[]): number {
  return EXCLUSIVE.filter((pair) => pair.every((scope) => scopes.includes(scope))).length;
}

/** Rules: validateResourceQuotaScopes. */
function scopeCauses(spec: ResourceQuotaSpec | undefined): StatusCause[] {
  const scopes = spec?.scopes ?? [];
  const cause = (why: string) => invalidValue('spec.scopes', scopes, why);
  return [
    ...scopes.flatMap((scope) => [
      ...(Object.hasOwn(SCOPES, scope) ? [] : [cause('unsupported scope')]),
      ...unfit(scope, spec!).map(() => cause('unsupported scope applied to resource')),
    ]),
    ...Array.from({ length: conflicts(scopes) }, () => cause('conflicting scopes')),
  ];
}

/** Rules: validateScopedResourceSelectorRequirement. */
function selectorCauses(spec: ResourceQuotaSpec | undefined): StatusCause[] {
  const expressions = spec?.scopeSelector?.matchExpressions ?? [];
  const path = 'spec.scopeSelector.matchExpressions';
  const causes: StatusCause[] = [];
  for (const { scopeName = '', operator = '', values = [] } of expressions) {
    if (!Object.hasOwn(SCOPES, scopeName))
      causes.push(invalidValue(`${path}.scopeName`, scopeName, 'unsupported scope'));
    const shown = goForm('ScopeSelector', spec!.scopeSelector);
    for (const _ of unfit(scopeName, spec!))
      causes.push(invalidValue(path, shown, 'unsupported scope applied to resource'));
    if (PLAIN_SCOPES.includes(scopeName) && operator !== 'Exists') {
      causes.push(
        invalidValue(
          `${path}.operator`,
          operator,
          "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      );
    }
    causes.push(...operatorCauses(operator, values, path));
  }
  const count = conflicts(expressions.map((one) => one.scopeName));
  for (let index = 0; index < count; index++)
    causes.push(invalidValue(path, spec?.scopes ?? null, 'conflicting scopes'));
  return causes;
}

function operatorCauses(operator: string, values: readonly string[], path: string): StatusCause[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length > 0) return [];
      return [
        required(
          `${path}.values`,
          "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        ),
      ];
    case 'Exists':
    case 'DoesNotExist':
      if (values.length === 0) return [];
      return [
        invalidValue(
          `${path}.values`,
          values,
          "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        ),
      ];
    default:
      return [invalidValue(`${path}.operator`, operator, 'not a valid selector operator')];
  }
}

/** `name: used/hard` of the quota's resources, by name. */
function usage({ status }: Stored<ResourceQuota>, shown: (name: string) => boolean): string {
  return Object.keys(status?.hard ?? {})
    .filter(shown)
    .sort()
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name]}`)
    .join(', ');
}
