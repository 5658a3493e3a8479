import {
  apiVersionOf,
  badRequest,
  internalError,
  invalid,
  type KubeObject,
  type Stored,
} from '../../kube/index.ts';
import type { RequestContext, ResourceDefinition } from './contract.ts';
import { cannotBeHandled, copyFrozen, DecodeError, decode, modelOfKind } from './schema/index.ts';
import { invalidValue } from './validation/index.ts';

type KindOfInput = Pick<ResourceDefinition, 'group' | 'version' | 'kind' | 'custom' | 'deprecation'>;

/**
 * What a client sent, read as the resource's kind: types checked, unknown fields dropped and reported as
 * fieldValidation wants.
 * @throws StatusError 400, or what `refuseOutcome` makes of the reason
 */
export function readInput(
  definition: KindOfInput,
  sent: unknown,
  previous: Stored<KubeObject> | undefined,
  context: RequestContext,
  refuseOutcome?: (why: string) => Error,
): KubeObject {
  const { group, version, kind, custom } = definition;
  const refuse = refuseOutcome ?? ((why: string) => cannotBeHandled(kind, version, why));
  const model = custom ? undefined : modelOfKind(group, version, kind);
  const unknownFields: string[] = [];
  let object: KubeObject;
  try {
    object = custom
      ? custom.decode(sent, previous, unknownFields)
      : ((model
          ? decode(model, sent, previous, { unknownFields })
          : copyFrozen(sent, previous)) as KubeObject);
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
  const keys = context.duplicateKeys ?? [];
  const fields = [
    ...(context.patchProblems ?? []),
    ...(context.duplicateFields ?? []).map((field) => `duplicate field ${JSON.stringify(field)}`),
    ...unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`),
  ];
  const problems = [...keys, ...fields];
  if (problems.length > 0 && context.fieldValidation === 'Strict') {
    const inYaml = keys.length > 0 ? [`yaml: unmarshal errors:\n  ${keys.join('\n  ')}`] : [];
    throw refuse(`strict decoding error: ${[...inYaml, ...fields].join(', ')}`);
  }
  if (context.fieldValidation !== 'Ignore') for (const problem of problems) context.warn?.(problem);
  const deprecation = definition.deprecation ?? custom?.deprecation;
  if (deprecation) context.warn?.(deprecation);
  checkType(definition, object, previous, refuseOutcome);
  return object;
}

function checkType(
  definition: KindOfInput,
  object: KubeObject,
  previous: Stored<KubeObject> | undefined,
  refuse: ((why: string) => Error) | undefined,
): void {
  const { apiVersion, kind } = object;
  const expected = apiVersionOf(definition);
  if (
    refuse &&
    !definition.custom &&
    ((apiVersion && apiVersion !== expected) || (kind && kind !== definition.kind))
  )
    throw refuse(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  // A patch may make another type of a custom resource; that is found when the object is validated.
  if (definition.custom && previous) {
    if (refuse && !kind) throw refuse(`Object 'Kind' is missing in '${JSON.stringify(object)}'`);
    if (refuse && !apiVersion)
      throw internalError("Object 'apiVersion' is missing in 'object has no apiVersion field'");
    const wrong = [
      ...(kind && kind !== definition.kind ? [invalidValue('kind', kind, `must be ${definition.kind}`)] : []),
      ...(apiVersion && apiVersion !== expected
        ? [invalidValue('apiVersion', apiVersion, `must be ${expected}`)]
        : []),
    ];
    const named = { group: definition.group, kind: kind || definition.kind };
    if (wrong.length > 0) throw invalid(named, previous.metadata.name, wrong);
  }
  if (apiVersion && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  if (kind && kind !== definition.kind) {
    throw badRequest(
      `${kind} in version ${JSON.stringify(definition.version)} cannot be handled as a ${definition.kind}`,
    );
  }
}
