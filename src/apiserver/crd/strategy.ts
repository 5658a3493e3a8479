import {
  forbidden,
  type KubeObject,
  type ObjectMeta,
  type Resource,
  type StatusCause,
} from '../../kube/index.ts';
import type { Strategy } from '../registry/contract.ts';
import { invalidValue, unqualifiedFinalizers } from '../registry/validation/index.ts';
import { type CompiledRules, compileRules } from './cel/rules.ts';
import { validateEmbedded } from './embedded.ts';
import { validateLists } from './lists.ts';
import { validateScale, validateScaleStatus } from './scale.ts';
import type { Structural } from './structural.ts';
import { type CrdVersion, type Json, own } from './types.ts';
import { validateValue } from './validate.ts';

/** A served version of a kind, compiled. */
export interface Version {
  readonly spec: CrdVersion;
  readonly apiVersion: string;
  readonly kind: Pick<Resource, 'group' | 'plural'>;
  readonly root: Structural;
}

const NOT_ALL_CHECKED: StatusCause = invalidValue(
  '<nil>',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);
const BLOCKING: ReadonlySet<string | undefined> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/** How objects of a version are prepared and checked. */
export function strategyOf({ spec, root, kind }: Version, isTerminating: boolean): Strategy {
  const { status, scale } = spec.subresources ?? {};
  const { schema } = root;
  const rules = compileRules(root);
  const statusSchema = own(schema.properties, 'status');
  return {
    requiresResourceVersion: true,
    tracksGeneration: true,
    alsoInGeneration: (next, previous) => {
      const [now, before] = [next, previous] as unknown as [Json, Json];
      return [...new Set([...Object.keys(now), ...Object.keys(before)])].some(
        (name) => name !== 'metadata' && !(status && name === 'status') && now[name] !== before[name],
      );
    },
    prepareForCreate(object) {
      if (isTerminating)
        throw forbidden(
          kind,
          object.metadata?.name ?? '',
          'create not allowed while custom resource definition is terminating',
        );
      if (!status) return object;
      const { status: _, ...rest } = object as Json;
      return rest as KubeObject;
    },
    prepareForStatusUpdate: (next, previous) =>
      ({ ...previous, status: (next as Json).status }) as KubeObject,
    warnings: ({ metadata = {} }, previous) =>
      metadata.finalizers === previous?.metadata.finalizers ? [] : finalizerWarnings(metadata),
    validateNew: (object) =>
      withRules(
        [
          ...validateValue(schema, object),
          ...(scale ? validateScale(object, scale, 'all') : []),
          ...validateEmbedded(root, object),
          ...validateLists(root, object),
        ],
        rules,
        object,
        undefined,
      ),
    validateUpdate: (next, previous) =>
      withRules(
        [
          ...validateValue(schema, next, '', previous),
          ...(scale ? validateScale(next, scale, 'all') : []),
          ...validateEmbedded(root, next),
          ...ratchetedLists(root, next, previous),
        ],
        rules,
        next,
        previous,
      ),
    validateStatusUpdate: (next, previous) => {
      const [now, before] = [next, previous] as unknown as [Json, Json];
      return withRules(
        [
          ...(statusSchema && now.status !== undefined
            ? below('status', validateValue(statusSchema, now.status, '', before.status))
            : []),
          ...(scale ? validateScaleStatus(next, scale) : []),
          ...ratchetedLists(root, next, previous),
        ],
        rules,
        next,
        previous,
      );
    },
  };
}

/** A plain name may be another's, too. */
function finalizerWarnings(metadata: ObjectMeta): string[] {
  return unqualifiedFinalizers(metadata).map((name) => {
    const how = name.includes('.') ? 'including a path (/) ' : '';
    return `metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer name ${how}to avoid accidental conflicts with other finalizer writers`;
  });
}

/** The status is checked by itself, and what is found is put where it belongs. */
function below(path: string, causes: readonly StatusCause[]): StatusCause[] {
  return causes.map((cause) => ({
    ...cause,
    field: cause.field === '<nil>' || !cause.field ? path : `${path}.${cause.field}`,
  }));
}

/** Lists that were wrong already may stay so. */
function ratchetedLists(root: Structural, next: KubeObject, previous: KubeObject): StatusCause[] {
  const causes = validateLists(root, next);
  return causes.length > 0 && validateLists(root, previous).length > 0 ? [] : causes;
}

function withRules(
  causes: readonly StatusCause[],
  rules: CompiledRules | undefined,
  next: KubeObject,
  previous: KubeObject | undefined,
): readonly StatusCause[] {
  if (!rules) return causes;
  if (causes.some(({ reason }) => BLOCKING.has(reason))) return [...causes, NOT_ALL_CHECKED];
  const failed = rules.validate(next, previous);
  return failed.length === 0 ? causes : [...causes, ...failed];
}
