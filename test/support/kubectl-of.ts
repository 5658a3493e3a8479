import { kubectl, waitGone } from './command.ts';
import { listOf } from './kubectl-session.ts';

/** kubectl on one cluster. */
export interface KubectlOf {
  /** Runs it; rejects when it fails. */
  k(...args: string[]): Promise<string>;
  apply(...items: object[]): Promise<string>;
  /** Resolves once no object of the resource is left, or not the one (`KIND/NAME`). */
  gone(what: string): Promise<void>;
}

/** `kubeconfig` is asked at each call: the cluster may start later. */
export const kubectlOf = (kubeconfig: () => string): KubectlOf => ({
  k: (...args) => kubectl(kubeconfig(), args),
  apply: (...items) =>
    kubectl(kubeconfig(), ['apply', '-f', '-'], { input: JSON.stringify(listOf(...items)) }),
  gone: (what) => waitGone(kubeconfig(), what),
});
