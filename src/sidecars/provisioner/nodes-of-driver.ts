import type { Informers } from '../../client/index.ts';
import type { csi } from '../../csi/index.ts';
import { type CSINode, csiNodes, driverOf, type Node, nodes } from '../../kube/index.ts';

/** The nodes that the provisioner knows of, with what the driver says of them. */
export interface NodesOfDriver {
  readonly informers: Readonly<Record<string, { readonly synced: Promise<void> }>>;
  csiNodes(): Iterable<CSINode>;
  nodes(): Iterable<Node>;
  node(name: string): Node | undefined;
  /** Tells of changes of where the driver is, until the returned function is called. */
  onChange(changed: () => void): () => void;
}

/** All nodes of the cluster; watched from the first question on. */
export function nodesOfCluster(informers: Informers, driver: string): NodesOfDriver {
  const known = {
    get csiNodes() {
      return informers.of(csiNodes);
    },
    get nodes() {
      return informers.of(nodes);
    },
  };
  const keysOf = (csiNode: CSINode) => {
    const found = driverOf(csiNode, driver);
    return JSON.stringify(found && (found.topologyKeys ?? []));
  };
  const labelsOf = ({ metadata }: Node) =>
    JSON.stringify(Object.entries(metadata?.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    get informers() {
      return { csiNodes: known.csiNodes, nodes: known.nodes };
    },
    csiNodes: () => known.csiNodes.values(),
    nodes: () => known.nodes.values(),
    node: (name) => known.nodes.get(name),
    onChange(changed) {
      const stops = [
        known.csiNodes.on({
          added: changed,
          updated: (now, before) => {
            if (keysOf(now) !== keysOf(before)) changed();
          },
          deleted: changed,
        }),
        known.nodes.on({
          added: changed,
          updated: (now, before) => {
            if (labelsOf(now) !== labelsOf(before)) changed();
          },
          deleted: changed,
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/** The one node on which driver and provisioner run (--node-deployment): what the driver says of it, and no watch. */
export function localNode(
  driver: string,
  name: string,
  { nodeId, accessibleTopology }: Pick<csi.NodeGetInfoResponse, 'nodeId' | 'accessibleTopology'>,
): NodesOfDriver {
  const labels = accessibleTopology?.segments ?? {};
  const metadata = { name };
  const topologyKeys = Object.keys(labels);
  const csiNode: CSINode = { metadata, spec: { drivers: [{ name: driver, nodeID: nodeId, topologyKeys }] } };
  const node: Node = { metadata: { name, labels } };
  return {
    informers: {},
    csiNodes: () => [csiNode],
    nodes: () => [node],
    node: (asked) => (asked === name ? node : undefined),
    onChange: () => () => undefined,
  };
}
