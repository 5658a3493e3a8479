import assert from 'node:assert/strict';
import { kubectl, type Up, waitGone } from './command.ts';
import { leftOnMachine } from './left.ts';
import type { SuiteCluster } from './suite-cluster.ts';

/** Deletes the example's set, pods and claims, and shows that nothing is left of their volumes. */
export async function deleteEverything({ kubeconfig }: Up, directory: string): Promise<void> {
  await kubectl(kubeconfig, ['delete', 'statefulset', 'web', '--ignore-not-found']);
  await waitGone(kubeconfig, 'pods');
  await kubectl(kubeconfig, ['delete', 'pvc', '--all']);
  await waitGone(kubeconfig, 'pv');
  assert.deepEqual(await leftOnMachine(directory), []);
}

/** Deletes pods, claims and snapshots of a cluster, and shows that nothing is left of their volumes. */
export async function deleteWithSnapshots({ k, gone, directory }: SuiteCluster): Promise<void> {
  for (const kind of ['pod', 'pvc', 'volumesnapshot']) await k('delete', kind, '--all', '--timeout=60s');
  for (const kind of ['volumesnapshotcontent', 'pv']) await gone(kind);
  assert.deepEqual(await leftOnMachine(directory), []);
}
