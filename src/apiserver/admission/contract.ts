import type { Random } from '../../base/index.ts';
import type { KubeObject, Resource, Stored } from '../../kube/index.ts';
import type { Authorization } from '../auth/authorization/contract.ts';
import type { UserInfo } from '../registry/contract.ts';

/** What admission may look up: the newest state, as writers see it. */
export interface AdmissionReader {
  get<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
  ): Stored<T> | undefined;
  /** In no order; of all namespaces when none is named. */
  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): Iterable<Stored<T>>;
  /** Resolves once the object is there, or `limitMs` have passed. */
  appears(resource: Resource, namespace: string | undefined, name: string, limitMs: number): Promise<void>;
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
  readonly random: Random;
  readonly authorization: Authorization;
  /** Wall time. */
  readonly nowMs: number;
  /** What has to be written in the same turn as the object, if it is written: the new use of a quota. */
  alsoWrite<T extends KubeObject>(resource: Resource<T>, object: Stored<T>): void;
}

/** A link of the chain: pure functions. */
export interface AdmissionPlugin {
  readonly name: string;
  /** Works only where it is asked for: it counts on controllers that not every server has beside it. @default false */
  readonly optional?: boolean;
  /** Which writes it is about. */
  readonly operations: readonly AdmissionRequest['operation'][];
  /** Which resources; all when absent. */
  readonly resources?: readonly Resource[];
  /** Whether it is about their subresources too. @default false */
  readonly subresources?: boolean;
  /**
   * What a create has to wait for before its turn, if anything: `object` is as the client sent it. All else happens in
   * one turn.
   */
  prepare?(request: AdmissionRequest): Promise<void> | undefined;
  /** The object as it is to be; the same object when there is nothing to change. @throws StatusError to refuse */
  mutate?(object: KubeObject, request: AdmissionRequest): KubeObject;
  /** After defaults and mutation. @throws StatusError to refuse */
  validate?(request: AdmissionRequest): void;
}
