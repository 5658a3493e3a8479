import { errorMessage } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import { secrets, secretText } from '../../../kube/index.ts';
import { TransientOperationFailure } from '../../operation-error.ts';

/** The entries of the secret that a volume names for one of its calls; none if it names none. */
export async function secretData(
  client: Client,
  field: 'NodeStageSecretRef' | 'NodePublishSecretRef',
  reference: { readonly namespace?: string; readonly name: string } | undefined,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (!reference) return {};
  try {
    return secretText(await client.get(secrets, reference, { signal }));
  } catch (error) {
    throw new TransientOperationFailure(
      `fetching ${field} ${reference.namespace ?? ''}/${reference.name} failed: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}
