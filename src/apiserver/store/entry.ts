import { deepFreeze } from '../../base/index.ts';
import type { KubeObject, Stored } from '../../kube/index.ts';
import type { Entry } from '../registry/contract.ts';

/** A version of an object with its JSON; each is made from the other on first use and then shared. */
export class StoredEntry<T extends KubeObject = KubeObject> implements Entry<T> {
  readonly revision: number;
  #object: Stored<T> | undefined;
  #json: Buffer | undefined;

  constructor(object: Stored<T>, revision: number) {
    this.revision = revision;
    this.#object = object;
  }

  /** An entry as it was stored: parsed only when somebody looks, so that a start does not wait for all of them. */
  static fromJson(json: Buffer, revision: number, parsed?: Stored<KubeObject>): StoredEntry {
    const entry = new StoredEntry(parsed as Stored<KubeObject>, revision);
    entry.#json = json;
    return entry;
  }

  get object(): Stored<T> {
    this.#object ??= deepFreeze(JSON.parse(this.#json!.toString('utf8')) as Stored<T>);
    return this.#object;
  }

  json(): Buffer {
    this.#json ??= Buffer.from(JSON.stringify(this.#object));
    return this.#json;
  }
}

/** The same object as it is written at `revision`. */
export function atRevision<T extends KubeObject>(object: T, revision: number): StoredEntry<T> {
  const metadata = Object.freeze({ ...object.metadata, resourceVersion: String(revision) });
  return new StoredEntry(Object.freeze({ ...object, metadata }) as unknown as Stored<T>, revision);
}
