/** Names what a plugin keeps for the length of one cycle. Made once per plugin; `T` is the value's type. */
export interface StateKey<T> {
  readonly name: string;
  /** Never set: carries T. */
  readonly type?: T;
}

export const stateKey = <T>(name: string): StateKey<T> => ({ name });

/** What plugins computed in one pod's cycle, for their own later extension points. */
export class CycleState {
  readonly #values = new Map<StateKey<unknown>, unknown>();

  write<T>(key: StateKey<T>, value: T): void {
    this.#values.set(key, value);
  }

  read<T>(key: StateKey<T>): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  /** For trying something out: values that change as pods come and go are those with a `clone` of their own. */
  clone(): CycleState {
    const copy = new CycleState();
    for (const [key, value] of this.#values)
      copy.#values.set(key, isCloneable(value) ? value.clone() : value);
    return copy;
  }
}

function isCloneable(value: unknown): value is { clone(): unknown } {
  return typeof (value as { clone?: unknown } | undefined)?.clone === 'function';
}
