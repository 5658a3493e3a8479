import { configMaps, isAlreadyExists } from '../kube/index.ts';
import { SYSTEM } from './registry/bootstrap.ts';
import type { Registry } from './registry/contract.ts';

const NAME = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };

/**
 * The config map by which servers beside this one (kube-controller-manager's, kube-scheduler's, extension API servers)
 * know whom to trust: the authority that signs client certificates, in PEM. There is no front proxy to name.
 */
export async function publishAuthenticationConfig(registry: Registry, clientCa: string): Promise<void> {
  const data = { 'client-ca-file': clientCa };
  try {
    await registry.create(configMaps, { metadata: NAME, data }, SYSTEM);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    await registry.patch(configMaps, NAME, { type: 'merge', body: { data } }, SYSTEM);
  }
}
