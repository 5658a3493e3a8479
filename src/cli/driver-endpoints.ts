import { nameOfNode } from '../cluster/names.ts';
import type { DriverEndpoint } from '../cluster.ts';
import { parseEndpoint } from '../csi/index.ts';

/**
 * Adds what one `--csi-driver [NODE=]unix:///path/csi.sock` says to those before it.
 * @throws Error that says what is wrong with it.
 */
export function addDriverEndpoint(
  text: string,
  before: readonly DriverEndpoint[] = [],
): readonly DriverEndpoint[] {
  const [, node, endpoint = ''] = /^(?:([^=/:]+)=)?(.*)$/s.exec(text) ?? [];
  if (node !== undefined && !/^node-[1-9]\d*$/.test(node))
    throw new Error(`${JSON.stringify(node)} is not a node: they are named node-1, node-2 and so on.`);
  const one = { endpoint: `unix://${parseEndpoint(endpoint)}`, ...(node !== undefined && { node }) };
  if (before.some((other) => other.endpoint === one.endpoint && other.node === node))
    throw new Error(`${text} is named twice.`);
  return [...before, one];
}

/** Whether a cluster of so many nodes has one of this name. */
export function isNode(name: string, nodes: number): boolean {
  return Array.from({ length: nodes }, (_, index) => nameOfNode(index + 1)).includes(name);
}
