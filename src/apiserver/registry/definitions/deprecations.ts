import { ANN_BETA_STORAGE_CLASS, type KubeObject } from '../../../kube/index.ts';
import { at, isDNS1123Label } from '../validation/index.ts';

// Warnings that several kinds give. Texts: Kubernetes 1.36, pkg/api/node and pkg/api/persistentvolume.

export const betaClassWarning = `metadata.annotations[${ANN_BETA_STORAGE_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`;

const OLD_NODE_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region':
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone':
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type':
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods':
    'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

/** What is wrong with a label of nodes; `undefined` when it is a present one. */
export function oldNodeLabel(key: string): string | undefined {
  return Object.hasOwn(OLD_NODE_LABELS, key) ? OLD_NODE_LABELS[key] : undefined;
}

/** The warnings for expressions over labels of nodes. */
export function oldNodeLabelWarnings(
  expressions: readonly { readonly key: string }[],
  path: string,
): string[] {
  return expressions.flatMap(({ key }, index) => {
    const what = oldNodeLabel(key);
    return what ? [`${at(path, index)}.key: ${key} is ${what}`] : [];
  });
}

/** What a name that is no DNS label means for the pods of a workload; told once, at its creation. */
export function podNameWarnings({ metadata }: KubeObject, previous: KubeObject | undefined): string[] {
  const found = previous ? [] : isDNS1123Label(metadata?.name ?? '');
  if (found.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${found.join(' ')}]`,
  ];
}
