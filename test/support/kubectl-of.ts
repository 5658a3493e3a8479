import { kubectl, kubectlUntil, waitGone, watchOf } from './command.ts';
import { listOf } from './kubectl-session.ts';

/** kubectl on one cluster. */
export interface KubectlOf {
  /** Runs it; rejects when it fails. */
  k(...args: string[]): Promise<string>;
  apply(...items: object[]): Promise<string>;
  /** Resolves once no object of the resource is left, or not the one (`KIND/NAME`). */
  gone(what: string): Promise<void>;
  /** Resolves to the line of a pod's output that matches: a pod that is Ready may not have written anything yet. */
  says(pod: string, line: RegExp): Promise<string>;
  /** Resolves once a pod that others make, maybe anew, is there and Ready. */
  isBack(pod: string): Promise<void>;
}

/** `kubeconfig` is asked at each call: the cluster may start later. */
export const kubectlOf = (kubeconfig: () => string): KubectlOf => ({
  k: (...args) => kubectl(kubeconfig(), args),
  apply: (...items) =>
    kubectl(kubeconfig(), ['apply', '-f', '-'], { input: JSON.stringify(listOf(...items)) }),
  gone: (what) => waitGone(kubeconfig(), what),
  says: (pod, line) => kubectlUntil(kubeconfig(), ['logs', '-f', pod], line, { limitMs: 60_000 }),
  // Not by kubectl wait: that fails while the pod is not there.
  async isBack(pod) {
    await kubectlUntil(kubeconfig(), [...watchOf('pod', pod), '--no-headers'], /\s(\d+)\/\1 +Running/);
  },
});
