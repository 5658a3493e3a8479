import { isLabelValue, isQualifiedName, type NameRule } from '../kube/index.ts';

/** Labels by the name of the node. */
export type NodeLabels = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** More nodes than any cluster here has: a range may not go beyond. */
const MOST_NODES = 10_000;

/**
 * Adds what one `--node-labels NODE:KEY=VALUE,KEY2=VALUE2` says to what those before it said. NODE is a node or a range
 * of them: node-1, sim-node-1..50.
 * @throws Error that says what is wrong with it.
 */
export function addNodeLabels(text: string, before: NodeLabels = {}): NodeLabels {
  const colon = text.indexOf(':');
  const nodes = namesIn(text.slice(0, Math.max(0, colon)));
  const labels = parseLabels(text.slice(colon + 1));
  return { ...before, ...Object.fromEntries(nodes.map((node) => [node, { ...before[node], ...labels }])) };
}

/**
 * `KEY=VALUE,KEY2=VALUE2`.
 * @throws Error that says what is wrong with it.
 */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const [key = '', value, ...rest] = pair.split('=');
    if (value === undefined || rest.length > 0) throw new Error(`${JSON.stringify(pair)} is not KEY=VALUE.`);
    check(key, isQualifiedName, 'label key');
    check(value, isLabelValue, 'label value');
    labels[key] = value;
  }
  return labels;
}

function namesIn(text: string): string[] {
  const [, prefix, first, last = first] = /^(node|sim-node)-([1-9]\d*)(?:\.\.([1-9]\d*))?$/.exec(text) ?? [];
  if (prefix === undefined) {
    throw new Error(
      'It must be NODE:KEY=VALUE,KEY2=VALUE2 with a node named node-1, sim-node-1 and so on, or a range: sim-node-1..50.',
    );
  }
  const count = Number(last) - Number(first) + 1;
  if (count < 1) throw new Error(`${JSON.stringify(text)} is a range without nodes.`);
  if (count > MOST_NODES) throw new Error(`${JSON.stringify(text)} are more than ${MOST_NODES} nodes.`);
  return Array.from({ length: count }, (_, index) => `${prefix}-${Number(first) + index}`);
}

function check(text: string, rule: NameRule, what: string): void {
  const [why] = rule(text);
  if (why !== undefined) throw new Error(`${JSON.stringify(text)} is not a ${what}: ${why}.`);
}

/** The first node that labels were given for although the cluster has no such node, and why it has none. */
export function unknownNode(
  labels: NodeLabels,
  { nodes, simulatedNodes }: { readonly nodes: number; readonly simulatedNodes: number },
): { name: string; but: string } | undefined {
  for (const name of Object.keys(labels)) {
    const isSimulated = name.startsWith('sim-');
    const count = isSimulated ? simulatedNodes : nodes;
    const ordinal = Number(name.slice(name.lastIndexOf('-') + 1));
    if (ordinal > count) return { name, but: `${isSimulated ? '--simulated-nodes' : '--nodes'} is ${count}` };
  }
  return undefined;
}
