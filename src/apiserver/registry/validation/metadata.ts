import {
  FINALIZER_FOREGROUND,
  FINALIZER_ORPHAN,
  type KubeObject,
  type ObjectMeta,
  type OwnerReference,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import { at, equal, forbiddenField, immutable, invalidValue, required } from './field.ts';
import {
  isQualifiedName,
  type NameRule,
  validateAnnotations,
  validateLabels,
  validateWith,
} from './names.ts';

/** Finalizers without a domain that upstream still knows. */
const STANDARD_FINALIZERS = new Set(['kubernetes', FINALIZER_ORPHAN, FINALIZER_FOREGROUND]);

/** Rules: Kubernetes 1.36, apimachinery api/validation ValidateObjectMeta. */
export function validateMetadata(metadata: ObjectMeta, name: NameRule): StatusCause[] {
  const causes: StatusCause[] = [];
  if (metadata.generateName) {
    // A prefix may end where a name may not.
    const { generateName } = metadata;
    const probe =
      generateName.length > 1 && generateName.endsWith('-') ? `${generateName.slice(0, -2)}a` : generateName;
    causes.push(
      ...name(probe).map((why) => invalidValue('metadata.generateName', metadata.generateName, why)),
    );
  }
  if (!metadata.name) causes.push(required('metadata.name', 'name or generateName is required'));
  else causes.push(...validateWith('metadata.name', metadata.name, name));
  causes.push(...validateCommon(metadata));
  return causes;
}

/** Finalizers whose names are nobody's domain: refused on built-in kinds, warned of on custom ones. */
export function unqualifiedFinalizers({ finalizers = [] }: ObjectMeta): readonly string[] {
  return finalizers.filter(isUnqualified);
}

function isUnqualified(finalizer: string): boolean {
  return !finalizer.includes('/') && !STANDARD_FINALIZERS.has(finalizer);
}

/** Of built-in kinds (core validation's ValidateObjectMeta). */
export function validateFinalizerNames(metadata: ObjectMeta, previous: ObjectMeta = {}): StatusCause[] {
  if (metadata.finalizers === previous.finalizers) return [];
  return (metadata.finalizers ?? []).flatMap((name, index) =>
    isUnqualified(name)
      ? [
          invalidValue(
            at('metadata.finalizers', index),
            name,
            'name is neither a standard finalizer name nor is it fully qualified',
          ),
        ]
      : [],
  );
}

/** What an update may not do to metadata: ValidateObjectMetaUpdate. */
export function validateMetadataUpdate(
  next: ObjectMeta,
  previous: Stored<KubeObject>['metadata'],
): StatusCause[] {
  const causes = validateCommon(next, previous);
  if (previous.deletionTimestamp) {
    const known = new Set(previous.finalizers);
    const added = (next.finalizers ?? []).filter((finalizer) => !known.has(finalizer)).sort();
    if (added.length > 0) {
      const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
      causes.push(
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
        ),
      );
    }
  }
  for (const field of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    if (!equal(next[field], previous[field]))
      causes.push(immutable(`metadata.${field}`, next[field] ?? null));
  }
  return causes;
}

/** What is the same in `previous`, which was found good, is not looked at again. */
function validateCommon(metadata: ObjectMeta, previous: ObjectMeta = {}): StatusCause[] {
  const { labels, annotations, ownerReferences = [], finalizers = [] } = metadata;
  const causes: StatusCause[] = [];
  if (labels !== previous.labels) causes.push(...validateLabels('metadata.labels', labels));
  if (annotations !== previous.annotations)
    causes.push(...validateAnnotations('metadata.annotations', annotations));
  if (ownerReferences !== previous.ownerReferences) causes.push(...validateOwnerReferences(ownerReferences));
  if (finalizers !== previous.finalizers) causes.push(...validateFinalizers(finalizers));
  return causes;
}

function validateFinalizers(finalizers: readonly string[]): StatusCause[] {
  const causes = finalizers.flatMap((finalizer) =>
    validateWith('metadata.finalizers', finalizer, isQualifiedName),
  );
  if (finalizers.includes(FINALIZER_ORPHAN) && finalizers.includes(FINALIZER_FOREGROUND)) {
    causes.push(
      invalidValue(
        'metadata.finalizers',
        finalizers,
        `finalizer ${FINALIZER_ORPHAN} and ${FINALIZER_FOREGROUND} cannot be both set`,
      ),
    );
  }
  return causes;
}

function validateOwnerReferences(references: readonly OwnerReference[]): StatusCause[] {
  const field = 'metadata.ownerReferences';
  const causes: StatusCause[] = [];
  let controller: string | undefined;
  for (const reference of references) {
    if (!reference.apiVersion)
      causes.push(invalidValue(`${field}.apiVersion`, '', 'version must not be empty'));
    for (const part of ['kind', 'name', 'uid'] as const) {
      if (!reference[part]) causes.push(invalidValue(`${field}.${part}`, '', 'must not be empty'));
    }
    if (reference.apiVersion === 'v1' && reference.kind === 'Event') {
      causes.push(invalidValue(field, reference, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (!reference.controller) continue;
    const name = `${reference.kind}/${reference.name}`;
    if (controller === undefined) controller = name;
    else {
      causes.push(
        invalidValue(
          field,
          references,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`,
        ),
      );
    }
  }
  return causes;
}
