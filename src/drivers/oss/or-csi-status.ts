import { csiStatusOf, S3Error } from './s3/index.ts';

/** Runs work on an object store; what that refuses becomes a gRPC status. */
export async function orCsiStatus<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof S3Error ? csiStatusOf(error) : error;
  }
}
