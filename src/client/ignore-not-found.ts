import { isNotFound } from '../kube/index.ts';

/** The answer to a request; undefined when its object is gone, which is as good. */
export async function ignoreNotFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
