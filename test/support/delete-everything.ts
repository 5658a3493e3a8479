import assert from 'node:assert/strict';
import { kubectl, type Up, waitGone } from './command.ts';
import { leftOnMachine } from './left.ts';

/** Deletes the example's set, pods and claims, and shows that nothing is left of their volumes. */
export async function deleteEverything({ kubeconfig }: Up, directory: string): Promise<void> {
  await kubectl(kubeconfig, ['delete', 'statefulset', 'web', '--ignore-not-found']);
  await waitGone(kubeconfig, 'pods');
  await kubectl(kubeconfig, ['delete', 'pvc', '--all']);
  await waitGone(kubeconfig, 'pv');
  assert.deepEqual(await leftOnMachine(directory), []);
}
