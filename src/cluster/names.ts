/** Nodes are node-1 … node-N. */
export function nameOfNode(ordinal: number): string {
  return `node-${ordinal}`;
}
