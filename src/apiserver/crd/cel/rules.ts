import type { KubeObject, StatusCause } from '../../../kube/index.ts';
import type { Structural } from '../structural.ts';

/** The rules of a schema, compiled once. */
export interface CompiledRules {
  /** What the rules say against an object; `previous` is what an update changes. */
  validate(object: KubeObject, previous: KubeObject | undefined): readonly StatusCause[];
}

/** The x-kubernetes-validations of a schema; `undefined` when it has none. */
export function compileRules(_root: Structural): CompiledRules | undefined {
  return undefined;
}
