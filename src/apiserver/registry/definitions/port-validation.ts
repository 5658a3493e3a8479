import type { Container, StatusCause } from '../../../kube/index.ts';
import { at, duplicate, invalidValue, notSupported, required, validateWith } from '../validation/index.ts';

// Ports of containers. Source: Kubernetes 1.36, pkg/apis/core/validation validateContainerPorts.

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

/** The form of an IANA service name (apimachinery IsValidPortName). */
function isPortName(name: string): readonly string[] {
  const rules: readonly (readonly [holds: boolean, why: string])[] = [
    [name.length <= 15, 'must be no more than 15 characters'],
    [/^[-a-z0-9]+$/.test(name), 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'],
    [/[a-z]/.test(name), 'must contain at least one letter (a-z)'],
    [!name.includes('--'), 'must not contain consecutive hyphens'],
    [!/^-|-$/.test(name), 'must not begin or end with a hyphen'],
  ];
  return rules.filter(([holds]) => !holds).map(([, why]) => why);
}

export function portNumberCauses(path: string, port: number): StatusCause[] {
  return port >= 1 && port <= 65535
    ? []
    : [invalidValue(path, port, 'must be between 1 and 65535, inclusive')];
}

/** A port by its number or by the name that the container gives it. */
export function portCauses(path: string, port: number | string | undefined): StatusCause[] {
  if (typeof port === 'string') return validateWith(path, port, isPortName);
  return portNumberCauses(path, port ?? 0);
}

export function containerPortCauses(ports: Container['ports'] = [], path: string): StatusCause[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort, protocol = '' }, index) => {
    const here = at(path, index);
    const causes = name ? validateWith(`${here}.name`, name, isPortName) : [];
    if (name && causes.length === 0) {
      if (names.has(name)) causes.push(duplicate(`${here}.name`, name));
      names.add(name);
    }
    if (containerPort) causes.push(...portNumberCauses(`${here}.containerPort`, containerPort));
    else causes.push(required(`${here}.containerPort`));
    if (hostPort) causes.push(...portNumberCauses(`${here}.hostPort`, hostPort));
    if (!PROTOCOLS.includes(protocol)) causes.push(notSupported(`${here}.protocol`, protocol, PROTOCOLS));
    return causes;
  });
}

/** No two of the containers, which run together, may take the same port of the host. */
export function hostPortConflicts(
  containers: readonly Container[],
  pathOf: (index: number) => string,
): StatusCause[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ protocol, hostIP = '', hostPort }, place) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) return [duplicate(`${at(`${pathOf(index)}.ports`, place)}.hostPort`, key)];
      taken.add(key);
      return [];
    }),
  );
}

/** On the host's network a port is the host's. A template may leave it out: its pods get it by default. */
export function hostNetworkPortCauses(
  containers: readonly Container[],
  path: string,
  isPod: boolean,
): StatusCause[] {
  const why = 'must match `containerPort` when `hostNetwork` is true';
  return containers.flatMap(({ ports = [] }, index) =>
    ports
      .map(({ hostPort = 0, containerPort }, place) => ({ hostPort, containerPort, place }))
      .filter(({ hostPort, containerPort }) => (isPod || hostPort !== 0) && hostPort !== containerPort)
      .map(({ hostPort, place }) =>
        invalidValue(`${at(`${at(path, index)}.ports`, place)}.hostPort`, hostPort, why),
      ),
  );
}
