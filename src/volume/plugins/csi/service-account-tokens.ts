import { errorMessage } from '../../../base/index.ts';
import type { CSIDriver, Pod, Stored } from '../../../kube/index.ts';
import { TransientOperationFailure } from '../../operation-error.ts';
import type { TokenCache } from '../../payloads/index.ts';

const KEY = 'csi.storage.k8s.io/serviceAccount.tokens';

interface TokenStatus {
  readonly token: string;
  readonly expirationTimestamp: string;
}

/**
 * The tokens of the pod's service account that the driver asked for (CSIDriver.spec.tokenRequests), one for each
 * audience, as one JSON entry; nothing if it asked for none. A token is used until it has to be renewed, however often
 * the volume is published.
 */
export async function serviceAccountTokens(
  cache: TokenCache,
  driver: CSIDriver | undefined,
  pod: Stored<Pod>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const requests = driver?.spec.tokenRequests ?? [];
  if (requests.length === 0) return {};
  const tokens: Record<string, TokenStatus> = {};
  for (const { audience = '', expirationSeconds } of requests) {
    try {
      const { token, expirationTimestamp } = await cache.get({ pod, audience, expirationSeconds }, signal);
      tokens[audience] = { token, expirationTimestamp };
    } catch (error) {
      throw new TransientOperationFailure(
        `mounter.SetUpAt failed to get service account token attributes: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }
  return { [KEY]: JSON.stringify(tokens) };
}
