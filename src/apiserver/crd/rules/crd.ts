import type { StatusCause, Stored } from '../../../kube/index.ts';
import { equal, immutable, invalidValue, notSupported, required } from '../../registry/validation/index.ts';
import { isDNS1035Label, isDNS1123Subdomain } from '../../registry/validation/names.ts';
import { isEstablished } from '../names.ts';
import type { Crd, CrdNames, CrdSpec, CrdStatus, CrdVersion } from '../types.ts';
import { validateConversion } from './conversion.ts';
import { goVersions, validateVersions } from './versions.ts';

// Rules of Kubernetes 1.36: apiextensions-apiserver pkg/apis/apiextensions/validation.

/** The name is made of the names that it defines. */
export function nameProblems({ metadata, spec }: Crd): StatusCause[] {
  const name = metadata?.name ?? '';
  const wanted = `${spec?.names?.plural ?? ''}.${spec?.group ?? ''}`;
  return [
    ...isDNS1123Subdomain(name).map((why) => invalidValue('metadata.name', name, why)),
    ...(name === wanted
      ? []
      : [invalidValue('metadata.name', name, 'must be spec.names.plural+"."+spec.group')]),
  ];
}

export function validateCrd(crd: Crd): StatusCause[] {
  return [
    ...validateSpec(crd.spec),
    ...validateStatus(crd),
    ...validateApproval(crd),
    ...(crd.spec.preserveUnknownFields
      ? [
          invalidValue(
            'spec.preserveUnknownFields',
            true,
            'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
          ),
        ]
      : []),
  ];
}

export function validateCrdUpdate(next: Crd, previous: Stored<Crd>): StatusCause[] {
  return [
    ...validateSpec(next.spec, previous.spec),
    ...(isEstablished(previous)
      ? [
          ...fixed('spec.scope', next.spec.scope, previous.spec.scope),
          ...fixed('spec.names.kind', next.spec.names.kind, previous.spec.names.kind),
        ]
      : []),
    ...fixed('spec.group', next.spec.group, previous.spec.group),
    ...fixed('spec.names.plural', next.spec.names.plural, previous.spec.names.plural),
    ...validateStatus(next),
    ...(equal(next.metadata?.annotations, previous.metadata.annotations) ? [] : validateApproval(next)),
    ...(next.spec.preserveUnknownFields && !previous.spec.preserveUnknownFields
      ? [
          invalidValue(
            'spec.preserveUnknownFields',
            true,
            'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
          ),
        ]
      : []),
  ];
}

const fixed = (field: string, next: unknown, previous: unknown): StatusCause[] =>
  next === previous ? [] : [immutable(field, next)];

function validateSpec(spec: CrdSpec, previous?: CrdSpec): StatusCause[] {
  const { group = '', names, versions = [], scope } = spec;
  const wrongGroup = isDNS1123Subdomain(group);
  const storing = versions.filter(({ storage }) => storage).length;
  return [
    ...(group === ''
      ? [required('spec.group')]
      : wrongGroup.length > 0
        ? [invalidValue('spec.group', group, wrongGroup.join(','))]
        : group.includes('.')
          ? []
          : [invalidValue('spec.group', group, 'should be a domain with at least one dot')]),
    ...(scope
      ? scope === 'Cluster' || scope === 'Namespaced'
        ? []
        : [notSupported('spec.scope', scope, ['Cluster', 'Namespaced'])]
      : [required('spec.scope')]),
    ...versions.flatMap(({ schema }, index) =>
      schema?.openAPIV3Schema ? [] : [required(`spec.versions[${index}].schema.openAPIV3Schema`)],
    ),
    ...versions.flatMap((version, index) => {
      const wrong = isDNS1035Label(version.name ?? '');
      return [
        ...(wrong.length > 0
          ? [invalidValue(`spec.versions[${index}].name`, version.name, wrong.join(','))]
          : []),
      ];
    }),
    ...validateVersions(versions, previous),
    ...(new Set(versions.map(({ name }) => name)).size < versions.length
      ? [invalidValue('spec.versions', goVersions(versions), 'must contain unique version names')]
      : []),
    ...(storing === 1
      ? []
      : [
          invalidValue(
            'spec.versions',
            goVersions(versions),
            'must have exactly one version marked as storage version',
          ),
        ]),
    ...firstVersionName(versions),
    ...(['plural', 'singular', 'kind', 'listKind'] as const)
      .filter((name) => !names?.[name])
      .map((name) => required(`spec.names.${name}`)),
    ...validateNames(names ?? {}, 'spec.names'),
    ...validateConversion(spec),
  ];
}

/** Upstream's internal type has the first version's name once more, in the field that came before the list. */
function firstVersionName([first]: readonly CrdVersion[]): StatusCause[] {
  const wrong = first?.name ? isDNS1035Label(first.name) : [];
  return wrong.length > 0 ? [invalidValue('spec.version', first!.name, wrong.join(','))] : [];
}

function validateNames(names: Partial<CrdNames>, path: string): StatusCause[] {
  const label = (field: string, value: string | undefined, isKind = false): StatusCause[] => {
    const wrong = value ? isDNS1035Label(isKind ? value.toLowerCase() : value) : [];
    if (wrong.length === 0) return [];
    const lead = isKind ? 'may have mixed case, but should otherwise match: ' : '';
    return [invalidValue(`${path}.${field}`, value, `${lead}${wrong.join(',')}`)];
  };
  return [
    ...label('plural', names.plural),
    ...label('singular', names.singular),
    ...label('kind', names.kind, true),
    ...label('listKind', names.listKind, true),
    ...(names.shortNames ?? []).flatMap((name, index) => label(`shortNames[${index}]`, name)),
    ...(names.kind && names.kind === names.listKind
      ? [invalidValue(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same')]
      : []),
    ...(names.categories ?? []).flatMap((name, index) => label(`categories[${index}]`, name)),
  ];
}

function validateStatus({ spec, status }: Crd): StatusCause[] {
  return [
    ...validateNames(status?.acceptedNames ?? {}, 'status.acceptedNames'),
    ...validateStoredVersions(spec, status ?? {}),
  ];
}

function validateStoredVersions(
  { versions = [] }: CrdSpec,
  { storedVersions = [] }: CrdStatus,
): StatusCause[] {
  const field = 'status.storedVersions';
  if (storedVersions.length === 0)
    return [invalidValue(field, null, 'must have at least one stored version')];
  return [
    ...versions
      .filter(({ name, storage }) => storage && !storedVersions.includes(name))
      .map(({ name }) => invalidValue(field, storedVersions, `must have the storage version ${name}`)),
    ...storedVersions.flatMap((stored, index) =>
      versions.some(({ name }) => name === stored)
        ? []
        : [
            invalidValue(
              `${field}[${index}]`,
              stored,
              `missing from spec.versions; ${stored} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${stored} and removes ${stored} from status.storedVersions`,
            ),
          ],
    ),
  ];
}

const APPROVAL = 'api-approved.kubernetes.io';

/** Groups of the community need a link to the review that approved them. */
function validateApproval({ metadata, spec }: Crd): StatusCause[] {
  const { group = '' } = spec;
  if (!/(^|\.)(k8s\.io|kubernetes\.io)$/.test(group)) return [];
  const value = metadata?.annotations?.[APPROVAL] ?? '';
  const field = `metadata.annotations[${APPROVAL}]`;
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111';
  if (value === '')
    return [
      required(field, `protected groups must have approval annotation ${JSON.stringify(APPROVAL)}, ${see}`),
    ];
  if (value.startsWith('unapproved')) return [];
  if (URL.canParse(value) && new URL(value).host !== '') return [];
  return [
    invalidValue(
      field,
      value,
      `protected groups must have approval annotation ${JSON.stringify(APPROVAL)} with either a URL or a reason starting with "unapproved", ${see}`,
    ),
  ];
}
