import type { StatusCause } from '../../../kube/index.ts';
import { duplicate, equal, forbiddenField, invalidValue, required } from '../../registry/validation/index.ts';
import { fieldPath } from '../field-path.ts';
import type { Structural } from '../structural.ts';
import { isObject, type ValidationRule } from '../types.ts';
import { itemCorrelation, NOT_CORRELATED } from '../validate.ts';
import { compile, type Program } from './compile.ts';
import { Run, type Variable } from './scope.ts';
import { CompileError } from './syntax.ts';
import { typeOfSchema } from './types.ts';
import { BudgetError, EvaluationError, fromJson, Optional, type Value } from './values.ts';

/** What one rule may cost, and all rules of an object together (apiserver apis/cel). */
const PER_CALL_LIMIT = 1_000_000;
const TOTAL_BUDGET = 10_000_000;
const MAX_MESSAGE_BYTES = 5 * 1024;

/** The rules of a schema, compiled once. */
export interface CompiledRules {
  /** What the rules say against an object; `previous` is what an update changes. */
  validate(object: unknown, previous: unknown): readonly StatusCause[];
}

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: Program | CompileError;
  readonly message: Program | undefined;
  readonly usesOldSelf: boolean;
  /** Where a failure is shown, below the value that the rule is about. */
  readonly below: string;
}

interface RuleNode {
  readonly schema: Structural;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
  readonly allOf: readonly RuleNode[];
}

/** The x-kubernetes-validations of a schema, compiled at their first use; `undefined` when it has none. */
export function compileRules(root: Structural): CompiledRules | undefined {
  if (!hasRules(root)) return undefined;
  let node: RuleNode | undefined;
  return {
    validate(object, previous) {
      node ??= compileNode(root)!;
      const evaluation = new Evaluation();
      evaluation.visit(node, object, previous ?? NOT_CORRELATED, '');
      return evaluation.causes;
    },
  };
}

function hasRules(node: Structural): boolean {
  if (node.rules.length > 0 || node.allOf.length > 0) return true;
  if (node.items && hasRules(node.items)) return true;
  if (typeof node.additional === 'object' && hasRules(node.additional)) return true;
  return [...node.properties.values()].some(hasRules);
}

function compileNode(schema: Structural): RuleNode | undefined {
  const properties = new Map<string, RuleNode>();
  for (const [name, inner] of schema.properties) {
    const node = compileNode(inner);
    if (node) properties.set(name, node);
  }
  const additional = typeof schema.additional === 'object' ? compileNode(schema.additional) : undefined;
  const items = schema.items && compileNode(schema.items);
  const allOf = schema.allOf.flatMap((part) => compileNode(part) ?? []);
  const hasNone = schema.rules.length === 0 && allOf.length === 0;
  if (hasNone && properties.size === 0 && !additional && !items) return undefined;
  return {
    schema,
    rules: schema.rules.map((rule) => compileRule(rule, schema)),
    properties,
    additional,
    items,
    allOf,
  };
}

/** The variables of the rules of a schema. */
export function variablesOf(rule: ValidationRule, schema: Structural): readonly Variable[] {
  const type = typeOfSchema(schema) ?? { kind: 'dyn' };
  const old = rule.optionalOldSelf ? ({ kind: 'optional', of: type } as const) : type;
  return [
    { name: 'self', type },
    { name: 'oldSelf', type: old },
  ];
}

function compileRule(rule: ValidationRule, schema: Structural): CompiledRule {
  const variables = variablesOf(rule, schema);
  const program = compiled(rule.rule, variables);
  const message = rule.messageExpression ? compiled(rule.messageExpression, variables) : undefined;
  const place = rule.fieldPath ? fieldPath(rule.fieldPath.trim(), schema) : undefined;
  return {
    rule,
    program,
    message: message instanceof CompileError ? undefined : message,
    usesOldSelf: !(program instanceof CompileError) && program.uses.has('oldSelf'),
    below: place === undefined || place instanceof Error ? '' : place.path,
  };
}

function compiled(source: string, variables: readonly Variable[]): Program | CompileError {
  try {
    return compile(source, variables);
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
}

const named = ({ message, rule }: ValidationRule): string => (message ? message.trim() : rule.trim());

function once(ask: () => boolean): () => boolean {
  let answer: boolean | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

/** One walk over an object; ends early when its budget is spent. */
class Evaluation {
  readonly causes: StatusCause[] = [];
  #budget = TOTAL_BUDGET;
  #isOver = false;

  /** `isParentSame`: whether the nearest value around this one that had a previous one equals it. */
  visit(node: RuleNode, value: unknown, previous: unknown, path: string, isParentSame = () => false): void {
    if (value === null || value === undefined || this.#isOver) return;
    const isSame =
      previous === NOT_CORRELATED ? isParentSame : once(() => value === previous || equal(value, previous));
    for (const rule of node.rules) {
      this.#evaluate(rule, node, value, previous, path, isSame);
      if (this.#isOver) return;
    }
    // Upstream knows no previous value for these: they are about the new one, and forgiven with what is around it.
    for (const part of node.allOf) this.visit(part, value, NOT_CORRELATED, path, isParentSame);
    if (Array.isArray(value)) {
      if (!node.items) return;
      const correlate = itemCorrelation(node.schema.schema, previous);
      value.forEach((item, index) => {
        this.visit(node.items!, item, correlate(item), `${path}[${index}]`, isSame);
      });
    } else if (isObject(value)) {
      const before = isObject(previous) && node.schema.mapType !== 'atomic' ? previous : {};
      for (const name of Object.keys(value)) {
        const property = node.properties.get(name);
        const inner = property ?? (node.schema.properties.has(name) ? undefined : node.additional);
        if (!inner) continue;
        const old = Object.hasOwn(before, name) ? before[name] : NOT_CORRELATED;
        const place = property ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`;
        this.visit(inner, value[name], old, place, isSame);
      }
    }
  }

  #evaluate(
    compiledRule: CompiledRule,
    node: RuleNode,
    value: unknown,
    previous: unknown,
    path: string,
    isSame: () => boolean,
  ): void {
    const { rule, program, usesOldSelf } = compiledRule;
    const { schema } = node;
    const at = path === '' ? '<nil>' : path;
    const fails = (why: string) => this.causes.push(invalidValue(at, schema.type, why));
    if (program instanceof CompileError) {
      fails(`rule compile error: ${program.message}`);
      return;
    }
    const hasOld = previous !== NOT_CORRELATED && previous !== null && previous !== undefined;
    if (usesOldSelf && !hasOld && !rule.optionalOldSelf) return;
    const slots = slotsOf(rule, schema, value, hasOld ? previous : undefined);
    const run = new Run([...slots], Math.min(PER_CALL_LIMIT, this.#budget));
    let result: Value;
    try {
      result = program.run(run);
    } catch (error) {
      this.#failed(error, named(rule), fails);
      return;
    } finally {
      this.#budget -= Math.min(PER_CALL_LIMIT, this.#budget) - Math.max(0, run.left);
    }
    if (result === true) return;
    // What an update leaves as it was is not held against it.
    if (!usesOldSelf && isSame()) return;
    const detail = this.#message(compiledRule, slots) ?? defaultMessage(rule);
    const field =
      compiledRule.below === '' ? at : path === '' ? compiledRule.below : `${path}.${compiledRule.below}`;
    this.causes.push(causeOf(rule, field, value, schema, detail));
  }

  #failed(error: unknown, rule: string, fails: (why: string) => void): void {
    if (error instanceof BudgetError) {
      this.#isOver = true;
      fails(
        this.#budget <= PER_CALL_LIMIT
          ? 'validation failed due to running out of cost budget, no further validation rules will be run'
          : `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${rule}`,
      );
    } else if (error instanceof EvaluationError) {
      fails(
        error.message.startsWith('no such overload')
          ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${rule}`
          : `${error.message} evaluating rule: ${rule}`,
      );
    } else throw error;
  }

  /** What the rule's own expression says; `undefined` when it says nothing that can be shown. */
  #message({ message }: CompiledRule, slots: readonly Value[]): string | undefined {
    if (!message) return undefined;
    try {
      const text = message.run(new Run([...slots], Math.min(PER_CALL_LIMIT, this.#budget)));
      const trimmed = typeof text === 'string' ? text.trim() : '';
      const fits =
        trimmed !== '' && !trimmed.includes('\n') && Buffer.byteLength(trimmed) <= MAX_MESSAGE_BYTES;
      return fits ? trimmed : undefined;
    } catch (error) {
      if (error instanceof EvaluationError || error instanceof BudgetError) return undefined;
      throw error;
    }
  }
}

function slotsOf(
  rule: ValidationRule,
  schema: Structural,
  value: unknown,
  previous: unknown,
): readonly Value[] {
  const old = previous === undefined ? undefined : fromJson(previous, schema);
  return [fromJson(value, schema), rule.optionalOldSelf ? new Optional(old) : (old ?? null)];
}

function defaultMessage({ message, rule }: ValidationRule): string {
  return message ? message.trim() : `failed rule: ${rule.trim()}`;
}

function causeOf(
  rule: ValidationRule,
  field: string,
  value: unknown,
  { type }: Structural,
  detail: string,
): StatusCause {
  const isWhole = type === 'object' || type === 'array';
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return isWhole
        ? { reason: 'FieldValueDuplicate', message: 'Duplicate value', field }
        : duplicate(field, value);
    default:
      return isWhole
        ? { reason: 'FieldValueInvalid', message: `Invalid value: ${detail}`, field }
        : invalidValue(field, value, detail);
  }
}
