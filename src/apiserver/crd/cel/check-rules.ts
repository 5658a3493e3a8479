import type { StatusCause } from '../../../kube/index.ts';
import { invalidValue } from '../../registry/validation/index.ts';
import { fieldPath } from '../field-path.ts';
import { type Structural, structuralOf } from '../structural.ts';
import type { JSONSchema, ValidationRule } from '../types.ts';
import { compile, type Program } from './compile.ts';
import { variablesOf } from './rules.ts';
import { CompileError } from './syntax.ts';

/**
 * Whether the rules of a schema compile, and speak of the past only where it can be told which value was which. What
 * a rule costs is counted while it runs, against the same limits as upstream's; it is not estimated here.
 */
export function checkRules(schema: JSONSchema, path: string): StatusCause[] {
  return walk(structuralOf(schema, true), path, undefined);
}

function walk(node: Structural, path: string, uncorrelated: string | undefined): StatusCause[] {
  const causes = node.rules.flatMap((rule, index) =>
    checkRule(rule, node, `${path}.x-kubernetes-validations[${index}]`, uncorrelated),
  );
  const below = uncorrelated ?? (node.mapType === 'atomic' ? path : undefined);
  for (const [name, property] of node.properties)
    causes.push(...walk(property, `${path}.properties[${name}]`, below));
  if (typeof node.additional === 'object')
    causes.push(...walk(node.additional, `${path}.additionalProperties`, uncorrelated));
  if (node.items)
    causes.push(
      ...walk(node.items, `${path}.items`, uncorrelated ?? (node.listType === 'map' ? undefined : path)),
    );
  return causes;
}

function checkRule(
  rule: ValidationRule,
  schema: Structural,
  path: string,
  uncorrelated: string | undefined,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const variables = variablesOf(rule, schema);
  const attempt = (source: string, wanted: 'bool' | 'string', name: string): Program | undefined => {
    const fail = (why: string) => causes.push(invalidValue(`${path}.${name}`, goRule(rule), why));
    try {
      const program = compile(source, variables);
      if (program.type.kind === wanted || program.type.kind === 'dyn') return program;
      fail(
        wanted === 'bool'
          ? 'cel expression must evaluate to a bool'
          : 'messageExpression must evaluate to a string',
      );
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      fail(`${wanted === 'bool' ? '' : 'messageExpression '}compilation failed: ${located(error, source)}`);
    }
    return undefined;
  };
  if (rule.fieldPath && fieldPath(rule.fieldPath.trim(), schema) instanceof Error)
    causes.push(invalidValue(`${path}.fieldPath`, rule.fieldPath, 'must be a valid path'));
  const program = attempt(rule.rule, 'bool', 'rule');
  if (rule.messageExpression) attempt(rule.messageExpression, 'string', 'messageExpression');
  if (!program) return causes;
  if (program.uses.has('oldSelf')) {
    if (uncorrelated !== undefined)
      causes.push(
        invalidValue(
          `${path}.rule`,
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`,
        ),
      );
  } else if (rule.optionalOldSelf !== undefined)
    causes.push(
      invalidValue(
        `${path}.optionalOldSelf`,
        rule.optionalOldSelf,
        'may not be set if oldSelf is not used in rule',
      ),
    );
  return causes;
}

/** The message with the line that it is about, as cel-go shows it. */
function located({ message, at }: CompileError, source: string): string {
  const before = source.slice(0, at);
  const line = before.split('\n').length;
  const start = before.lastIndexOf('\n') + 1;
  const end = source.indexOf('\n', start);
  const text = source.slice(start, end < 0 ? undefined : end);
  return `ERROR: <input>:${line}:${at - start + 1}: ${message}\n | ${text}\n | ${'.'.repeat(at - start)}^`;
}

/** A rule as Go's encoder writes its internal form. */
function goRule({
  rule,
  message = '',
  messageExpression = '',
  reason,
  fieldPath: path = '',
  optionalOldSelf,
}: ValidationRule) {
  return {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason ?? null,
    FieldPath: path,
    OptionalOldSelf: optionalOldSelf ?? null,
  };
}
