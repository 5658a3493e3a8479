import { isAlreadyExists, isNotFound, type Service, services } from '../kube/index.ts';
import { SYSTEM } from './registry/bootstrap.ts';
import type { Registry } from './registry/contract.ts';

const NAME = { namespace: 'default', name: 'kubernetes' };

/**
 * The service `kubernetes`, by which clients in pods find this server: pods share the host's network, so its cluster IP
 * is where the server listens. It has no Endpoints: those may not be loopback addresses, and nothing forwards.
 */
export async function publishKubernetesService(
  registry: Registry,
  server: { readonly host: string; readonly port: number },
): Promise<void> {
  const port = { name: 'https', protocol: 'TCP', port: server.port, targetPort: server.port as never };
  const spec: Service['spec'] = {
    type: 'ClusterIP',
    clusterIP: server.host,
    clusterIPs: [server.host],
    ipFamilies: [server.host.includes(':') ? 'IPv6' : 'IPv4'],
    ipFamilyPolicy: 'SingleStack',
    ports: [port],
    sessionAffinity: 'None',
  };
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const patch = { type: 'merge', body: { metadata: { labels }, spec: { ports: [port] } } } as const;
  const present = presentAddress(registry);
  if (present !== undefined && present !== server.host) await registry.delete(services, NAME, {}, SYSTEM);
  try {
    await registry.create(services, { metadata: { ...NAME, labels }, spec }, SYSTEM);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    await registry.patch(services, NAME, patch, SYSTEM);
  }
}

/** A service keeps its address: one that listens elsewhere now has to be made anew. */
function presentAddress(registry: Registry): string | undefined {
  try {
    return registry.get(services, NAME).object.spec?.clusterIP;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
