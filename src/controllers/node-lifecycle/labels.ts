import { LABEL_ARCH, LABEL_OS, type Node } from '../../kube/index.ts';

/** Beta labels that must say the same as the stable ones. */
const BETA_LABELS: readonly (readonly [stable: string, beta: string])[] = [
  [LABEL_OS, 'beta.kubernetes.io/os'],
  [LABEL_ARCH, 'beta.kubernetes.io/arch'],
];

/** The beta labels that are missing or wrong, as they should be. */
export function labelsToSet(node: Node): Readonly<Record<string, string>> {
  const labels = node.metadata?.labels ?? {};
  return Object.fromEntries(
    BETA_LABELS.flatMap(([stable, beta]) => {
      const value = labels[stable];
      return value !== undefined && labels[beta] !== value ? [[beta, value]] : [];
    }),
  );
}
