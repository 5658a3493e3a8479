import { type Clock, errorMessage, type Logger, sleep } from '../base/index.ts';
import type { Component } from '../client/index.ts';
import { isAlreadyExists, isNotFound, type Service, services } from '../kube/index.ts';
import { SYSTEM } from './registry/bootstrap.ts';
import type { Registry } from './registry/contract.ts';

/** How soon upstream looks again (EndpointReconcilerConfig). */
const RETRY_MS = 10_000;

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

const NAME = { namespace: 'default', name: 'kubernetes' };

/**
 * The service `kubernetes`, by which clients in pods find this server: pods share the host's network, so its cluster IP
 * is where the server listens. It has no Endpoints: those may not be loopback addresses, and nothing forwards.
 */
export async function publishKubernetesService(registry: Registry, server: ServerAddress): Promise<void> {
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

/** Publishes it again whenever somebody has deleted it. */
export function createKubernetesService(
  registry: Registry,
  server: ServerAddress,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Component {
  const selection = { namespace: NAME.namespace, fieldSelector: `metadata.name=${NAME.name}` };
  return {
    name: 'kubernetes service',
    async start(signal) {
      while (!signal.aborted) {
        try {
          await publishKubernetesService(registry, server);
          for await (const batch of registry.watch(services, { ...selection, signal })) {
            if (batch.some(({ type }) => type === 'DELETED'))
              await publishKubernetesService(registry, server);
          }
        } catch (error) {
          if (signal.aborted) return;
          log.warn('the service kubernetes could not be kept; trying again', { error: errorMessage(error) });
          await sleep(clock, RETRY_MS, signal).catch(() => undefined);
        }
      }
    },
  };
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
