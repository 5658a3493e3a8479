import type { CSIDriver, Pod, Stored } from '../../../kube/index.ts';
import type { TokenCache } from '../../payloads/index.ts';
import { transientFailure } from './rpc-error.ts';

const KEY = 'csi.storage.k8s.io/serviceAccount.tokens';

type Request = NonNullable<CSIDriver['spec']['tokenRequests']>[number];

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
  // Go writes a map by its sorted keys.
  for (const { audience = '', expirationSeconds } of requests.toSorted(byAudience)) {
    try {
      const { token, expirationTimestamp } = await cache.get({ pod, audience, expirationSeconds }, signal);
      tokens[audience] = { token, expirationTimestamp };
    } catch (error) {
      // Spelt as upstream spells it.
      throw transientFailure('mounter.SetUpAt failed to get service accoount token attributes', error);
    }
  }
  return { [KEY]: JSON.stringify(tokens) };
}

function byAudience({ audience: a = '' }: Request, { audience: b = '' }: Request): number {
  return a < b ? -1 : Number(a > b);
}
