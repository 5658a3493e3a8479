/** Nodes are node-1 … node-N. */
export function nameOfNode(ordinal: number): string {
  return `node-${ordinal}`;
}

/** Simulated nodes are sim-node-1 … sim-node-N. */
export function nameOfSimulatedNode(ordinal: number): string {
  return `sim-node-${ordinal}`;
}
