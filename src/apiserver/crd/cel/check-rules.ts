import type { StatusCause } from '../../../kube/index.ts';
import { invalidValue } from '../../registry/validation/index.ts';
import { fieldPath } from '../field-path.ts';
import { type Structural, structuralOf } from '../structural.ts';
import type { JSONSchema, ValidationRule } from '../types.ts';
import { compile, type Program } from './compile.ts';
import { Budget, type Cardinality, cardinalityBelow, totalCost } from './cost/budget.ts';
import { estimateCost } from './cost/estimate.ts';
import { variablesOf } from './rules.ts';
import { CompileError } from './syntax.ts';

/**
 * Whether the rules of a schema compile, cost no more than they may, and speak of the past only where it can be told
 * which value was which. `isUnchanged`: the schema is the one that is stored already.
 */
export function checkRules(schema: JSONSchema, path: string, isUnchanged = false): StatusCause[] {
  const budget = new Budget(!isUnchanged);
  const causes = walk(structuralOf(schema, true), { path, uncorrelated: undefined, cardinality: 1 }, budget);
  return [...causes, ...budget.overrun(path)];
}

interface Place {
  readonly path: string;
  /** The part of the schema whose values cannot be told apart, if this is in one. */
  readonly uncorrelated: string | undefined;
  readonly cardinality: Cardinality;
}

function walk(node: Structural, place: Place, budget: Budget): StatusCause[] {
  const { path, uncorrelated } = place;
  const cardinality = cardinalityBelow(place.cardinality, node);
  const causes: StatusCause[] = [];
  const visit = (inner: Structural, below: string, unknown: string | undefined) =>
    causes.push(...walk(inner, { path: `${path}${below}`, uncorrelated: unknown, cardinality }, budget));
  if (typeof node.additional === 'object') visit(node.additional, '.additionalProperties', uncorrelated);
  const atomic = uncorrelated ?? (node.mapType === 'atomic' ? path : undefined);
  for (const [name, property] of node.properties) visit(property, `.properties[${name}]`, atomic);
  for (const [index, part] of node.allOf.entries())
    causes.push(...walk(part, { ...place, path: `${path}.allOf[${index}]` }, budget));
  if (node.items) visit(node.items, '.items', uncorrelated ?? (node.listType === 'map' ? undefined : path));
  for (const [index, rule] of node.rules.entries())
    causes.push(
      ...checkRule(rule, node, { ...place, path: `${path}.x-kubernetes-validations[${index}]` }, budget),
    );
  return causes;
}

function checkRule(
  rule: ValidationRule,
  schema: Structural,
  { path, uncorrelated, cardinality }: Place,
  budget: Budget,
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
  const unusedOld = rule.optionalOldSelf !== undefined && !program?.uses.has('oldSelf');
  if (!program) return unusedOld ? [...causes, optionalWithoutUse(rule, path)] : causes;
  const cost = totalCost(estimateCost(program, schema), cardinality, schema);
  causes.push(...budget.spend(`${path}.rule`, 'rule', cost));
  const message = rule.messageExpression && attempt(rule.messageExpression, 'string', 'messageExpression');
  if (message)
    causes.push(
      ...budget.spend(`${path}.messageExpression`, 'messageExpression', estimateCost(message, schema)),
    );
  if (program.uses.has('oldSelf')) {
    if (uncorrelated !== undefined)
      causes.push(
        invalidValue(
          `${path}.rule`,
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`,
        ),
      );
  } else if (unusedOld) causes.push(optionalWithoutUse(rule, path));
  return causes;
}

function optionalWithoutUse({ optionalOldSelf }: ValidationRule, path: string): StatusCause {
  const why = 'may not be set if oldSelf is not used in rule';
  return invalidValue(`${path}.optionalOldSelf`, optionalOldSelf, why);
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
