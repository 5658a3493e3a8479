import { errorMessage } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import { secrets, secretText } from '../../../kube/index.ts';
import { TransientOperationFailure } from '../../operation-error.ts';
import { CSI_PLUGIN } from './names.ts';

/** A secret that a volume names for one of its calls. */
export interface SecretReference {
  readonly namespace?: string;
  readonly name: string;
}

/**
 * The entries of the secret; none if there is no reference.
 * @param what upstream's words for not having it; it is given `NAMESPACE/NAME`.
 * @throws TransientOperationFailure: the driver was not asked yet.
 */
export async function secretData(
  client: Client,
  reference: SecretReference | undefined,
  signal: AbortSignal,
  what: (secret: string) => string,
): Promise<Record<string, string>> {
  if (!reference) return {};
  const { namespace = '', name } = reference;
  try {
    return secretText(await client.get(secrets, reference, { signal }));
  } catch (error) {
    throw new TransientOperationFailure(
      `${what(`${namespace}/${name}`)}: ${CSI_PLUGIN}: failed to find the secret ${name} ` +
        `in the namespace ${namespace} with error: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}
