import { errorMessage } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import { type CSIDriver, type Pod, type Stored, serviceAccounts } from '../../../kube/index.ts';
import { TransientOperationFailure } from '../../operation-error.ts';

const KEY = 'csi.storage.k8s.io/serviceAccount.tokens';

interface TokenStatus {
  readonly token: string;
  readonly expirationTimestamp: string;
}

/**
 * The tokens of the pod's service account that the driver asked for (CSIDriver.spec.tokenRequests), one for each
 * audience, as one JSON entry; nothing if it asked for none.
 */
export async function serviceAccountTokens(
  client: Client,
  driver: CSIDriver | undefined,
  pod: Stored<Pod>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const requests = driver?.spec.tokenRequests ?? [];
  if (requests.length === 0) return {};
  const { namespace, name, uid } = pod.metadata;
  const account = { namespace, name: pod.spec?.serviceAccountName ?? 'default' };
  const tokens: Record<string, TokenStatus> = {};
  for (const { audience = '', expirationSeconds } of requests) {
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    try {
      const answer = await client.createSubresource<object, typeof body, { status: TokenStatus }>(
        serviceAccounts,
        account,
        'token',
        body,
        { signal },
      );
      tokens[audience] = answer.status;
    } catch (error) {
      throw new TransientOperationFailure(
        `mounter.SetUpAt failed to get service account token attributes: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }
  return { [KEY]: JSON.stringify(tokens) };
}
