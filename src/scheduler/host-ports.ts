import type { Pod } from '../kube/index.ts';

export interface HostPort {
  /** `0.0.0.0` stands for every address of the node. */
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const ANY_ADDRESS = '0.0.0.0';

/** The ports that a pod takes on its node: of its containers and of its restartable init containers. */
export function hostPortsOf(pod: Pod): readonly HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const ports: HostPort[] = [];
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const { hostIP, hostPort, protocol } of container.ports ?? []) {
      if (hostPort === undefined || hostPort <= 0) continue;
      ports.push({ ip: hostIP || ANY_ADDRESS, protocol: protocol || 'TCP', port: hostPort });
    }
  }
  return ports;
}

/** Same protocol and port, and one address covers the other. */
export function conflicts(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === ANY_ADDRESS || b.ip === ANY_ADDRESS;
}
