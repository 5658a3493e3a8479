import {
  ANN_CSI_NODE_ID,
  type CSINode,
  type CSINodeDriver,
  driverOf,
  driversOf,
  type Node,
} from '../../kube/index.ts';

/** What NodeGetInfo told about a driver on this node. */
export interface DriverNodeInfo {
  readonly driver: string;
  readonly nodeId: string;
  /** How many volumes can be attached; 0: no limit known. */
  readonly maxVolumes: bigint;
  readonly topology: Readonly<Record<string, string>>;
}

const MAX_INT32 = 2 ** 31 - 1;

/** What to change in a node's metadata; undefined when it says so already. Merge patch: null removes. */
export interface NodeMetadataChange {
  readonly annotations?: Readonly<Record<string, string | null>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The driver's id in the annotation csi.volume.kubernetes.io/nodeid, and its topology as labels.
 * @throws Error if a label has another value: two drivers, or a driver and a person, disagree about where the node is.
 */
export function nodeWithDriver(node: Node, info: DriverNodeInfo): NodeMetadataChange | undefined {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(info.topology)) {
    const current = node.metadata?.labels?.[key];
    if (current === value) continue;
    if (current !== undefined) {
      throw new Error(
        `detected topology value collision: driver reported ${JSON.stringify(key)}:${JSON.stringify(value)} ` +
          `but existing label is ${JSON.stringify(key)}:${JSON.stringify(current)}`,
      );
    }
    labels[key] = value;
  }
  const ids = nodeIds(node);
  const idKnown = ids[info.driver] === info.nodeId;
  if (idKnown && Object.keys(labels).length === 0) return undefined;
  return {
    labels,
    annotations: idKnown ? {} : { [ANN_CSI_NODE_ID]: sorted({ ...ids, [info.driver]: info.nodeId }) },
  };
}

/** Takes the driver's id out of the annotation. Its labels stay: other drivers may have reported them too. */
export function nodeWithoutDriver(node: Node, driver: string): NodeMetadataChange | undefined {
  const { [driver]: gone, ...rest } = nodeIds(node);
  if (gone === undefined) return undefined;
  return { annotations: { [ANN_CSI_NODE_ID]: Object.keys(rest).length > 0 ? sorted(rest) : null } };
}

function nodeIds(node: Node): Readonly<Record<string, string>> {
  const text = node.metadata?.annotations?.[ANN_CSI_NODE_ID];
  if (!text) return {};
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch (error) {
    throw new Error(
      `failed to parse node's ${JSON.stringify(ANN_CSI_NODE_ID)} annotation value (${JSON.stringify(text)})`,
      { cause: error },
    );
  }
}

function sorted(ids: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(ids).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** The CSINode with the driver in it; undefined when it is there already, with the same facts. */
export function csiNodeWithDriver<T extends CSINode>(node: T, info: DriverNodeInfo): T | undefined {
  const wanted = driverEntry(info);
  const known = driverOf(node, info.driver);
  if (known && sameDriver(known, wanted)) return undefined;
  const others = driversOf(node).filter((driver) => driver.name !== info.driver);
  return { ...node, spec: { ...node.spec, drivers: [...others, wanted] } };
}

export function csiNodeWithoutDriver<T extends CSINode>(node: T, driver: string): T | undefined {
  if (!driverOf(node, driver)) return undefined;
  const drivers = driversOf(node).filter((each) => each.name !== driver);
  return { ...node, spec: { ...node.spec, drivers } };
}

function driverEntry({ driver, nodeId, maxVolumes, topology }: DriverNodeInfo): CSINodeDriver {
  const count = maxVolumes > BigInt(MAX_INT32) ? MAX_INT32 : Number(maxVolumes);
  return {
    name: driver,
    nodeID: nodeId,
    topologyKeys: Object.keys(topology).sort(),
    ...(count > 0 ? { allocatable: { count } } : {}),
  };
}

function sameDriver(a: CSINodeDriver, b: CSINodeDriver): boolean {
  return (
    a.nodeID === b.nodeID &&
    a.allocatable?.count === b.allocatable?.count &&
    [...(a.topologyKeys ?? [])].sort().join() === (b.topologyKeys ?? []).join()
  );
}
