import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { systemClock } from '../../base/index.ts';
import { type Account, S3 } from './s3/index.ts';

/** An S3 server on loopback, with its buckets in a directory of its own. */
export interface ObjectStore {
  readonly account: Account;
  readonly secrets: Readonly<Record<string, string>>;
  readonly s3: S3;
  /** Every key of a bucket; undefined: there is no such bucket. */
  keys(bucket: string): Promise<readonly string[] | undefined>;
  buckets(): Promise<readonly string[]>;
  /** Lets nobody write an object until `release` is called. `reached` resolves when somebody wants to. */
  holdWrites(): { readonly reached: Promise<void>; release(): void };
  close(): Promise<void>;
}

export async function startObjectStore(): Promise<ObjectStore> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-s3-'));
  const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory });
  const internals = server as unknown as Internals;
  deleteOneByOne(internals);
  // Without this it is not silent about being silent.
  internals.logger.silent = true;
  const { port } = await server.run();
  const account: Account = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    // The only ones that it knows.
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
  };
  const s3 = new S3(account, { fetch, clock: systemClock });
  return {
    account,
    secrets: {
      accessKeyID: account.accessKeyId,
      secretAccessKey: account.secretAccessKey,
      endpoint: account.endpoint,
    },
    s3,
    keys: (bucket) => s3.list(bucket, ''),
    buckets: () => readdir(directory),
    holdWrites() {
      const [gate, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const { store } = internals;
      const putObject = store.putObject.bind(store);
      store.putObject = async (object) => {
        reached.resolve();
        await gate.promise;
        return putObject(object);
      };
      return { reached: reached.promise, release: gate.resolve };
    },
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What of the server is not in its types. */
interface Internals {
  readonly store: {
    deleteObject(bucket: string, key: string): Promise<void>;
    putObject(object: unknown): Promise<unknown>;
  };
  readonly logger: { silent: boolean };
}

/** It stumbles over its own directories when it is to delete several objects at once. */
function deleteOneByOne({ store }: Internals): void {
  const deleteObject = store.deleteObject.bind(store);
  let before: Promise<unknown> = Promise.resolve();
  store.deleteObject = (bucket, key) => {
    const result = before.then(() => deleteObject(bucket, key));
    before = result.catch(() => undefined);
    return result;
  };
}
