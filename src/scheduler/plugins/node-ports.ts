import { ADD, DELETE, interest } from '../cluster-events.ts';
import { conflicts, type HostPort, hostPortsOf } from '../host-ports.ts';
import { hasPlace } from '../placed.ts';
import type { Plugin } from '../plugin.ts';
import { SKIP, unschedulable } from '../status.ts';

const TAKEN = unschedulable("node(s) didn't have free ports for the requested pod ports");

/** No two pods of a node take the same host port. */
export function nodePorts(): Plugin {
  return {
    name: 'NodePorts',
    interests: [
      interest(
        'Pod',
        DELETE,
        (pod, before) =>
          before !== undefined && hasPlace(before) && anyConflict(pod.hostPorts, hostPortsOf(before)),
      ),
      interest('Node', ADD),
    ],
    preFilter: (_state, pod) => (pod.hostPorts.length === 0 ? SKIP : undefined),
    filter: (_state, pod, node) => (anyConflict(pod.hostPorts, [...node.hostPorts()]) ? TAKEN : undefined),
  };
}

function anyConflict(wanted: readonly HostPort[], taken: readonly HostPort[]): boolean {
  return wanted.some((port) => taken.some((other) => conflicts(port, other)));
}
