import type { StatusCause } from '../../../kube/index.ts';
import { equal, invalidValue } from '../../registry/validation/index.ts';
import { compileRules } from '../cel/rules.ts';
import { coerce } from '../coerce.ts';
import { validateEmbedded } from '../embedded.ts';
import { type Structural, structuralOf } from '../structural.ts';
import type { JSONSchema } from '../types.ts';
import { validateValue } from '../validate.ts';

/** Defaults are values that the schema itself would take. Rules: schema/defaulting/validation.go. */
export function validateDefaults(schema: JSONSchema, path: string): StatusCause[] {
  return walk(structuralOf(schema, true), path, true);
}

function walk(node: Structural, path: string, isRoot = false): StatusCause[] {
  if (!node.hasDefaults) return [];
  const causes = node.default === undefined || isRoot ? [] : check(node, `${path}.default`);
  if (node.items) causes.push(...walk(node.items, `${path}.items`));
  for (const [name, property] of node.properties)
    causes.push(...walk(property, `${path}.properties[${name}]`));
  return causes;
}

function check(node: Structural, path: string): StatusCause[] {
  const { default: value } = node;
  const unknown: string[] = [];
  const pruned = coerce({ ...node, hasDefaults: false }, value, undefined, unknown);
  if (unknown.length > 0 && !equal(pruned, value))
    return [invalidValue(path, value, 'must not have unknown fields')];
  const embedded = validateEmbedded(node, value, path, node.embedded);
  if (embedded.length > 0) return embedded;
  const wrong = validateValue(node.schema, value);
  if (wrong.length > 0)
    return wrong.map((cause) => ({
      ...cause,
      field: cause.field === '<nil>' || !cause.field ? path : `${path}.${cause.field}`,
    }));
  return (compileRules(node)?.validate(value as never, value as never) ?? []).map((cause) => ({
    ...cause,
    field: cause.field === '<nil>' || !cause.field ? path : `${path}.${cause.field}`,
  }));
}
