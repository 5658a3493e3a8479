import type { StatusCause } from '../../../kube/index.ts';
import type { JSONSchema } from '../types.ts';

/** Whether the rules of a schema compile, and what they may cost. */
export function checkRules(_schema: JSONSchema, _path: string, _isUnchanged: boolean): StatusCause[] {
  return [];
}
