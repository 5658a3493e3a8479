import type { StatusCause } from '../../../../kube/index.ts';
import { forbiddenField } from '../../../registry/validation/index.ts';
import type { Structural } from '../../structural.ts';
import { MAX_REQUEST_BYTES, minBytes } from './schema-size.ts';
import { product } from './size.ts';

// What the rules of a definition may cost together, and how many of a value an object can hold
// (apiextensions validation.go and cel_validation.go).

const EXPRESSION_LIMIT = 10_000_000;
const SCHEMA_LIMIT = 100_000_000;
/** So many of the dearest rules are named when all together are too dear; of those that count. */
const NAMED = 4;
const COUNTS = SCHEMA_LIMIT / 100;

/** How often a value occurs in an object at most; `undefined` when nothing in the schema bounds it. */
export type Cardinality = number | undefined;

/** Of the values below one that itself occurs so often. */
export function cardinalityBelow(own: Cardinality, { type, schema, additional }: Structural): Cardinality {
  const many =
    type === 'array'
      ? schema.maxItems
      : type === 'object' && additional !== undefined
        ? schema.maxProperties
        : 1;
  return own === undefined || many === undefined ? undefined : product(own, Math.max(0, many));
}

/** The most that a rule costs in an object when it costs so much each time. */
export function totalCost(once: number, cardinality: Cardinality, schema: Structural): number {
  return product(once, cardinality ?? Math.floor(MAX_REQUEST_BYTES / (minBytes(schema) + 1)));
}

/** Sums up what the rules of a schema cost. */
export class Budget {
  readonly #isOwnLimited: boolean;
  readonly #dearest: { readonly field: string; readonly cost: number }[] = [];
  #total = 0;

  /** `isOwnLimited`: whether each rule has a limit of its own. What an update leaves as it was has none. */
  constructor(isOwnLimited: boolean) {
    this.#isOwnLimited = isOwnLimited;
  }

  spend(field: string, what: string, cost: number): StatusCause[] {
    this.#total += cost;
    if (cost >= COUNTS) this.#dearest.push({ field, cost });
    return this.#isOwnLimited && cost > EXPRESSION_LIMIT
      ? [forbiddenField(field, exceeded(`estimated ${what} cost`, cost, EXPRESSION_LIMIT))]
      : [];
  }

  /** What is wrong with all rules together. */
  overrun(path: string): StatusCause[] {
    if (this.#total <= SCHEMA_LIMIT) return [];
    const dearest = this.#dearest.toSorted((a, b) => (a.cost === b.cost ? 0 : b.cost - a.cost));
    return [
      ...dearest
        .slice(0, NAMED)
        .map(({ field }) =>
          forbiddenField(
            field,
            'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
          ),
        ),
      forbiddenField(
        path,
        exceeded(
          'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema',
          this.#total,
          SCHEMA_LIMIT,
        ),
      ),
    ];
  }
}

function exceeded(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100' : factor < 1.5 ? factor.toFixed(6) : factor.toFixed(1);
  return `${what} exceeds budget by factor of ${shown}x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
