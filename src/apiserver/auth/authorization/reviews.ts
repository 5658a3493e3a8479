import {
  badRequest,
  invalid,
  type KubeObject,
  type LocalSubjectAccessReview,
  localSubjectAccessReviews,
  parseFieldSelector,
  type Resource,
  type SelfSubjectAccessReview,
  type SelfSubjectRulesReview,
  type StatusCause,
  type SubjectAccessReview,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
} from '../../../kube/index.ts';
import type { Answer, Registry } from '../../registry/contract.ts';
import { equal, invalidValue } from '../../registry/validation/index.ts';
import type { UserInfo } from '../user.ts';
import type { Attributes, Authorizer } from './contract.ts';

// authorization.k8s.io/v1: who asks whether somebody may (pkg/registry/authorization).

type AccessSpec = SubjectAccessReview['spec'];
type SelfSpec = SelfSubjectAccessReview['spec'];

/** Has the registry answer the reviews by its authorizer. */
export function serveAccessReviews(registry: Registry): void {
  const { authorizer } = registry.authorization;
  const answers: readonly [Resource, Answer][] = [
    [subjectAccessReviews, ({ body }) => answerAccess(authorizer, body as SubjectAccessReview)],
    [localSubjectAccessReviews, ({ body }) => answerLocal(authorizer, body as LocalSubjectAccessReview)],
    [
      selfSubjectAccessReviews,
      ({ body, context }) => answerSelf(authorizer, body as SelfSubjectAccessReview, context.user),
    ],
    [
      selfSubjectRulesReviews,
      ({ body, context }) => answerRules(authorizer, body as SelfSubjectRulesReview, context.user),
    ],
  ];
  for (const [resource, answer] of answers) registry.answerWith(resource, answer);
}

function answerAccess(authorizer: Authorizer, review: SubjectAccessReview): SubjectAccessReview {
  refuse(subjectAccessReviews, [
    ...subjectCauses(review.spec ?? {}),
    ...metadataCauses(review, 'must be empty'),
  ]);
  return {
    ...review,
    metadata: review.metadata ?? {},
    status: statusOf(authorizer, subjectOf(review.spec ?? {}), review.spec ?? {}),
  };
}

function answerLocal(authorizer: Authorizer, review: LocalSubjectAccessReview): LocalSubjectAccessReview {
  const { spec = {} } = review;
  const namespace = review.metadata?.namespace ?? '';
  const causes = [
    ...subjectCauses(spec),
    ...metadataCauses(
      { ...review, metadata: { ...review.metadata, namespace: undefined } },
      'must be empty except for namespace',
    ),
  ];
  const asked = spec.resourceAttributes;
  if (asked && (asked.namespace ?? '') !== namespace)
    causes.push(
      invalidValue(
        'spec.resourceAttributes.namespace',
        asked.namespace ?? '',
        'must match metadata.namespace',
      ),
    );
  if (spec.nonResourceAttributes)
    causes.push(
      invalidValue(
        'spec.nonResourceAttributes',
        asInGo(spec.nonResourceAttributes),
        'disallowed on this kind of request',
      ),
    );
  refuse(localSubjectAccessReviews, causes);
  return { ...review, metadata: review.metadata ?? {}, status: statusOf(authorizer, subjectOf(spec), spec) };
}

function answerSelf(
  authorizer: Authorizer,
  review: SelfSubjectAccessReview,
  user: UserInfo,
): SelfSubjectAccessReview {
  refuse(selfSubjectAccessReviews, [
    ...specCauses(review.spec ?? {}),
    ...metadataCauses(review, 'must be empty'),
  ]);
  return {
    ...review,
    metadata: review.metadata ?? {},
    status: statusOf(authorizer, user, review.spec ?? {}),
  };
}

function answerRules(
  authorizer: Authorizer,
  review: SelfSubjectRulesReview,
  user: UserInfo,
): SelfSubjectRulesReview {
  const namespace = review.spec?.namespace ?? '';
  if (namespace === '') throw badRequest('no namespace on request');
  const { rules, incomplete, error } = authorizer.rulesFor(user, namespace);
  return {
    kind: review.kind,
    apiVersion: review.apiVersion,
    metadata: {},
    spec: {},
    status: {
      resourceRules: rules
        .filter(({ resources }) => resources?.length)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs,
          apiGroups,
          resources,
          ...(resourceNames?.length ? { resourceNames } : {}),
        })),
      nonResourceRules: rules
        .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
      incomplete,
      ...(error === '' ? {} : { evaluationError: error }),
    },
  };
}

/** As upstream tells it: `allowed` always, what is empty not. */
function statusOf(authorizer: Authorizer, user: UserInfo, spec: SelfSpec) {
  const { attributes, error } = attributesOf(spec);
  const { allowed, reason } = authorizer.decide(user, attributes);
  return {
    allowed,
    ...(reason === '' ? {} : { reason }),
    ...(error === '' ? {} : { evaluationError: error }),
  };
}

function subjectOf({ user, groups, uid, extra }: AccessSpec): UserInfo {
  return { name: user ?? '', groups: groups ?? [], uid, extra };
}

/** What is asked; a selector that cannot be read is left out, which asks for more. */
export function attributesOf({ resourceAttributes, nonResourceAttributes }: SelfSpec): {
  readonly attributes: Attributes;
  readonly error: string;
} {
  if (!resourceAttributes) {
    const { verb = '', path = '' } = nonResourceAttributes ?? {};
    return { attributes: { verb, path }, error: '' };
  }
  const { verb = '', group = '', resource = '', subresource, namespace, name } = resourceAttributes;
  const attributes = { verb, group, resource, subresource, namespace, name };
  const { rawSelector, requirements = [] } = resourceAttributes.fieldSelector ?? {};
  if (requirements.length > 0) {
    const terms = requirements.flatMap(({ key, operator, values = [] }) =>
      values.length === 1 && (operator === 'In' || operator === 'NotIn')
        ? [{ path: key, equals: operator === 'In', value: values[0]! }]
        : [],
    );
    const ignored = terms.length < requirements.length;
    const how = terms.length > 0 ? 'partially ignored' : 'ignored';
    return {
      attributes: { ...attributes, fieldSelector: terms },
      error: ignored ? `spec.resourceAttributes.fieldSelector ${how} due to parse error` : '',
    };
  }
  try {
    return { attributes: { ...attributes, fieldSelector: parseFieldSelector(rawSelector ?? '') }, error: '' };
  } catch {
    return { attributes, error: 'spec.resourceAttributes.fieldSelector ignored due to parse error' };
  }
}

function subjectCauses(spec: AccessSpec): StatusCause[] {
  const causes = specCauses(spec);
  if (!spec.user && !spec.groups?.length)
    causes.push(
      invalidValue('spec.user', spec.user ?? '', 'at least one of user or group must be specified'),
    );
  return causes;
}

function specCauses({ resourceAttributes, nonResourceAttributes }: SelfSpec): StatusCause[] {
  if (resourceAttributes && nonResourceAttributes)
    return [
      invalidValue(
        'spec.nonResourceAttributes',
        asInGo(nonResourceAttributes),
        'cannot be specified in combination with resourceAttributes',
      ),
    ];
  if (!resourceAttributes && !nonResourceAttributes)
    return [
      invalidValue(
        'spec.resourceAttributes',
        undefined,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    ];
  return [];
}

/** Upstream shows its internal type, whose fields have no names of JSON. */
function asInGo({ path = '', verb = '' }: NonNullable<SelfSpec['nonResourceAttributes']>) {
  return { Path: path, Verb: verb };
}

function metadataCauses({ metadata = {} }: KubeObject, why: string): StatusCause[] {
  const { managedFields: _managedFields, ...rest } = metadata;
  return equal(rest, {}) ? [] : [invalidValue('metadata', rest, why)];
}

/** Upstream has lost the kind at this point. */
function refuse({ group }: Resource, causes: readonly StatusCause[]): void {
  if (causes.length > 0) throw invalid({ group, kind: '' }, '', causes);
}
