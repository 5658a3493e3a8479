import type { Service, Stored } from '../../kube/index.ts';

/** By which clients in a pod find the API server, wherever the pod is. */
const MASTER_SERVICE = 'kubernetes';
const MASTER_NAMESPACE = 'default';

/**
 * The variables that tell a container where services are: those of its namespace if it wants them, and the API
 * server's in any case (getServiceEnvVarMap, pkg/kubelet; pkg/kubelet/envvars).
 */
export function serviceEnvironment(
  services: Iterable<Stored<Service>>,
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const chosen = new Map<string, Stored<Service>>();
  for (const service of services) {
    const { clusterIP } = service.spec ?? {};
    if (!clusterIP || clusterIP === 'None') continue;
    const { name, namespace: own } = service.metadata;
    if (own === MASTER_NAMESPACE && name === MASTER_SERVICE) {
      if (!chosen.has(name)) chosen.set(name, service);
    } else if (own === namespace && enableServiceLinks) chosen.set(name, service);
  }
  const environment = new Map<string, string>();
  for (const service of chosen.values())
    for (const [name, value] of variablesOf(service)) environment.set(name, value);
  return environment;
}

function* variablesOf({ metadata, spec }: Stored<Service>): Generator<[string, string]> {
  const prefix = variableName(metadata.name);
  const address = spec!.clusterIP!;
  const ports = spec!.ports ?? [];
  yield [`${prefix}_SERVICE_HOST`, address];
  if (ports[0]) yield [`${prefix}_SERVICE_PORT`, String(ports[0].port)];
  for (const { name, port } of ports) {
    if (name) yield [`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port)];
  }
  // What containers were once given for their links.
  for (const [index, { port, protocol = 'TCP' }] of ports.entries()) {
    const scheme = protocol.toLowerCase();
    const url = `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
    if (index === 0) yield [`${prefix}_PORT`, url];
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    yield [link, url];
    yield [`${link}_PROTO`, scheme];
    yield [`${link}_PORT`, String(port)];
    yield [`${link}_ADDR`, address];
  }
}

const variableName = (name: string) => name.replaceAll('-', '_').toUpperCase();
