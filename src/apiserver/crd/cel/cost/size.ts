/** How long a text or how many items a list or map can be. Infinity: nothing bounds it. */
export interface Size {
  readonly min: number;
  readonly max: number;
}

/** What reading a text costs for each of its characters, and a regular expression for each of its own. */
export const PER_CHARACTER = 0.1;
export const PER_REGEX_CHARACTER = 0.25;
export const LIST_CREATION = 10;
export const MAP_CREATION = 30;

export const exactly = (count: number): Size => ({ min: count, max: count });
export const UNKNOWN: Size = { min: 0, max: Number.POSITIVE_INFINITY };

export const plus = (a: Size, b: Size): Size => ({ min: a.min + b.min, max: a.max + b.max });
export const times = (a: Size, b: Size): Size => ({ min: product(a.min, b.min), max: product(a.max, b.max) });
export const union = (a: Size, b: Size): Size => ({
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
});

/** Nothing times without end is nothing. */
export const product = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

/** The most that work on something of this size costs. */
export const scaled = ({ max }: Pick<Size, 'max'>, factor: number): number => Math.ceil(product(max, factor));

interface Sized {
  readonly size: Size | undefined;
}

export const sizeOf = (part: Sized | undefined): Size => part?.size ?? UNKNOWN;

/** What looking for an expression in a text costs. A text may be empty: the expression costs all the same. */
export function regexCost(text: Sized | undefined, expression: Sized | undefined): number {
  const ofText = scaled(plus(sizeOf(text), exactly(1)), PER_CHARACTER);
  return product(ofText, scaled(sizeOf(expression), PER_REGEX_CHARACTER));
}
