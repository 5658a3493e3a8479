import { errorMessage } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type SecretReference, secrets, secretText } from '../../kube/index.ts';

export type { SecretReference };

/** The content of a secret. @throws Error that names the secret, never its content. */
export async function credentialsOf(
  client: Client,
  reference: SecretReference | undefined,
): Promise<Record<string, string>> {
  if (!reference) return {};
  const { name, namespace } = reference;
  try {
    return secretText(await client.get(secrets, { namespace, name }));
  } catch (error) {
    throw new Error(`error getting secret ${name} in namespace ${namespace}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
