import { type Secret, type Stored, secrets } from '../../../kube/index.ts';
import { SYSTEM } from '../../registry/bootstrap.ts';
import type { Registry } from '../../registry/contract.ts';

const LABEL = 'kubernetes.io/legacy-token-last-used';
const DAY_MS = 24 * 60 * 60 * 1000;

/** The day to note on a secret whose token is being used; `undefined` when it is noted already. */
export function dayToNote({ metadata }: Secret, nowMs: number): string | undefined {
  const today = dayOf(nowMs);
  const noted = metadata?.labels?.[LABEL];
  // Another server's clock may be ahead.
  return noted === today || noted === dayOf(nowMs + DAY_MS) ? undefined : today;
}

/** Notes when the token of a secret was last used, so that one that nobody uses can be told (patchSecretWithLastUsedDate). */
export async function noteUse(registry: Registry, secret: Stored<Secret>, nowMs: number): Promise<void> {
  const day = dayToNote(secret, nowMs);
  if (!day) return;
  const { namespace, name, uid } = secret.metadata;
  const body = { metadata: { uid, labels: { [LABEL]: day } } };
  await registry.patch(secrets, { namespace, name }, { type: 'merge', body }, SYSTEM);
}

/** YYYY-MM-DD, in UTC. */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
