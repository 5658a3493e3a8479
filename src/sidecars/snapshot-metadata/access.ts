import { errorMessage } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import { snapshotMetadataServices, subjectAccessReviews, tokenReviews } from '../../kube/index.ts';

export interface AccessOptions {
  readonly client: Client;
  readonly driver: string;
  /** What tokens must be made out for. @default what the driver's SnapshotMetadataService says */
  readonly audience?: string | undefined;
}

/**
 * Lets a caller through whose token is made out for this service, and who may read the snapshots of the namespace.
 * @throws CsiStatus UNAUTHENTICATED, PERMISSION_DENIED, or INTERNAL when it cannot be told.
 * Source: pkg/internal/server/grpc/auth.go of external-snapshot-metadata.
 */
export async function checkAccess(options: AccessOptions, token: string, namespace: string): Promise<void> {
  const { client } = options;
  const user = await orInternal('failed to authenticate user', () => userOf(options, token));
  if (!user) throw new CsiStatus(Code.UNAUTHENTICATED, 'unauthenticated user');
  const { username, uid, groups, extra } = user;
  const resourceAttributes = {
    verb: 'get',
    namespace,
    group: 'snapshot.storage.k8s.io',
    version: 'v1',
    resource: 'volumesnapshots',
  };
  const spec = { resourceAttributes, user: username, groups, extra, uid };
  const { status } = await orInternal('failed to authorize the user', () =>
    client.create(subjectAccessReviews, { spec }),
  );
  if (!status?.allowed || status.denied)
    throw new CsiStatus(
      Code.PERMISSION_DENIED,
      `user does not have permissions to perform the operation: ${status?.reason ?? ''}`,
    );
}

/** Whose token it is; undefined when it is nobody's, or for another audience. */
async function userOf(options: AccessOptions, token: string) {
  const audience = options.audience || (await audienceOf(options));
  const spec = { token, audiences: [audience] };
  const { status } = await options.client.create(tokenReviews, { spec });
  return status?.authenticated && status.audiences?.includes(audience) ? status.user : undefined;
}

async function audienceOf({ client, driver }: AccessOptions): Promise<string> {
  try {
    return (await client.get(snapshotMetadataServices, { name: driver })).spec.audience;
  } catch (cause) {
    const why = `failed to find the SnapshotMetadataService CR for driver '${driver}': ${errorMessage(cause)}`;
    throw new Error(why, { cause });
  }
}

async function orInternal<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new CsiStatus(Code.INTERNAL, `${what}: ${errorMessage(cause)}`, { cause });
  }
}
