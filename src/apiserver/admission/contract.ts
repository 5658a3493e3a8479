import type { KubeObject, Resource, Stored } from '../../kube/index.ts';
import type { UserInfo } from '../registry/contract.ts';

/** What admission may look up: the newest state, as writers see it. */
export interface AdmissionReader {
  get<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
  ): Stored<T> | undefined;
  list<T extends KubeObject>(resource: Resource<T>): Iterable<Stored<T>>;
}

/** One write on its way in. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: Resource;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name: string;
  /** The new object; absent for DELETE. */
  readonly object?: KubeObject;
  /** The present object; absent for CREATE. */
  readonly previous?: Stored<KubeObject>;
  readonly user: UserInfo;
  readonly reader: AdmissionReader;
}

/** A link of the chain: pure functions. */
export interface AdmissionPlugin {
  readonly name: string;
  /** Which writes it is about. */
  readonly operations: readonly AdmissionRequest['operation'][];
  /** Which resources; all when absent. */
  readonly resources?: readonly Resource[];
  /** The object as it is to be; the same object when there is nothing to change. @throws StatusError to refuse */
  mutate?(object: KubeObject, request: AdmissionRequest): KubeObject;
  /** After defaults and mutation. @throws StatusError to refuse */
  validate?(request: AdmissionRequest): void;
}
