import { isLabelValue, isQualifiedName, type NameRule } from '../kube/index.ts';

/** Labels by the name of the node. */
export type NodeLabels = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Adds what one `--node-labels NODE:KEY=VALUE,KEY2=VALUE2` says to what those before it said.
 * @throws Error that says what is wrong with it.
 */
export function addNodeLabels(text: string, before: NodeLabels = {}): NodeLabels {
  const colon = text.indexOf(':');
  if (!/^node-[1-9]\d*$/.test(text.slice(0, Math.max(0, colon)))) {
    throw new Error('It must be NODE:KEY=VALUE,KEY2=VALUE2 with a node named node-1, node-2 and so on.');
  }
  const node = text.slice(0, colon);
  const labels: Record<string, string> = { ...before[node] };
  for (const pair of text.slice(colon + 1).split(',')) {
    const [key = '', value, ...rest] = pair.split('=');
    if (value === undefined || rest.length > 0) throw new Error(`${JSON.stringify(pair)} is not KEY=VALUE.`);
    check(key, isQualifiedName, 'label key');
    check(value, isLabelValue, 'label value');
    labels[key] = value;
  }
  return { ...before, [node]: labels };
}

function check(text: string, rule: NameRule, what: string): void {
  const [why] = rule(text);
  if (why !== undefined) throw new Error(`${JSON.stringify(text)} is not a ${what}: ${why}.`);
}

/** The first node that labels were given for although the cluster has no such node. */
export function unknownNode(labels: NodeLabels, nodes: number): string | undefined {
  return Object.keys(labels).find((name) => Number(name.slice('node-'.length)) > nodes);
}
