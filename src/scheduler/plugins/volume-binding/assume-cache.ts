import type { Informer } from '../../../client/index.ts';
import { type KubeObject, keyOf, type Stored } from '../../../kube/index.ts';

/**
 * An informer's objects, some of them as this scheduler is about to write them. An assumption holds while the informer
 * has the version that it was made from; any newer version from the server ends it.
 */
export class AssumeCache<T extends KubeObject> {
  readonly #informer: Informer<T>;
  readonly #assumed = new Map<string, Stored<T>>();

  constructor(informer: Informer<T>) {
    this.#informer = informer;
  }

  /** Ends assumptions as newer versions arrive, until the returned function is called. */
  follow(): () => void {
    const expire = (object: Stored<T>) => {
      const key = keyOf(object);
      const assumed = this.#assumed.get(key);
      const current = this.#informer.byKey(key);
      if (assumed && current?.metadata.resourceVersion !== assumed.metadata.resourceVersion) {
        this.#assumed.delete(key);
      }
    };
    return this.#informer.on({ added: expire, updated: expire, deleted: expire });
  }

  get(key: string): Stored<T> | undefined {
    const current = this.#informer.byKey(key);
    return current && this.#withAssumption(key, current);
  }

  /** As the server has it. */
  fromServer(key: string): Stored<T> | undefined {
    return this.#informer.byKey(key);
  }

  /** By an index of the informer: it goes by the server's version, the objects may be assumed ones. */
  byIndex(index: string, value: string): readonly Stored<T>[] {
    return this.#informer.byIndex(index, value).map((object) => this.#withAssumption(keyOf(object), object));
  }

  /** @throws Error when the object was made from another version than the informer has. */
  assume(object: Stored<T>): void {
    const key = keyOf(object);
    const stored = this.#informer.byKey(key)?.metadata.resourceVersion;
    if (stored !== object.metadata.resourceVersion) {
      throw new Error(
        `${JSON.stringify(key)} is out of sync (stored: ${stored ?? 'none'}, assume: ${object.metadata.resourceVersion})`,
      );
    }
    this.#assumed.set(key, object);
  }

  /** Takes the assumption back, unless it was made from another version by now. */
  restore(object: Stored<T>): void {
    const key = keyOf(object);
    if (this.#assumed.get(key)?.metadata.resourceVersion === object.metadata.resourceVersion) {
      this.#assumed.delete(key);
    }
  }

  #withAssumption(key: string, current: Stored<T>): Stored<T> {
    const assumed = this.#assumed.get(key);
    return assumed?.metadata.resourceVersion === current.metadata.resourceVersion ? assumed : current;
  }
}
