import {
  type ConfigMap,
  isNotFound,
  type Pod,
  type Resource,
  type Secret,
  type Stored,
} from '../../kube/index.ts';

export type ReadObject = <T extends ConfigMap | Secret>(
  resource: Resource<T>,
  name: string,
) => Promise<Stored<T>>;

/** For whom a volume's files are made. */
export interface PayloadRequest {
  /** Reads what the pod names, in its namespace. */
  readonly read: ReadObject;
  readonly pod: Stored<Pod>;
  /** The mode of files that have none of their own. */
  readonly defaultMode: number;
  readonly fsGroup?: number;
  readonly signal: AbortSignal;
}

/** core/v1: the mode of projected files where none is given. */
export const DEFAULT_MODE = 0o644;

/**
 * What was read; `undefined` when it is not there and need not be.
 * @throws Error in the words of the kubelet, whose managers name the kind in the singular.
 */
export async function readUnlessOptional<T>(
  reading: Promise<T>,
  kind: 'configmap' | 'secret',
  name: string,
  optional: boolean | undefined,
): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (optional) return undefined;
    throw new Error(`${kind} ${JSON.stringify(name)} not found`, { cause: error });
  }
}
