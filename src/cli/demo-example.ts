import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { waitUntil } from '../client/index.ts';
import type { Cluster } from '../cluster.ts';
import {
  type KubeObject,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  resourceOf,
  type Stored,
  statefulSets,
  storageClasses,
  volumeAttachments,
} from '../kube/index.ts';

export const NAMESPACE = 'default';
export const SET = 'web';
export const TEMPLATE = 'disk-pvc';
/** How long any one part of the demo may take. */
const LIMIT_MS = 60_000;

/** Creates what examples/statefulset.yaml says, with so many replicas, on volumes of another driver if one is named. */
export async function applyExample(cluster: Cluster, replicas: number, provisioner?: string): Promise<void> {
  const text = await readFile(new URL('../../examples/statefulset.yaml', import.meta.url), 'utf8');
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as KubeObject & { spec?: object };
    const resource = resourceOf(object.apiVersion ?? '', object.kind ?? '');
    if (!resource)
      throw new Error(`examples/statefulset.yaml: unknown kind ${object.apiVersion} ${object.kind}`);
    const placed = resource.namespaced
      ? { ...object, metadata: { namespace: NAMESPACE, ...object.metadata } }
      : object;
    const more = {
      ...(resource === statefulSets && { spec: { ...object.spec, replicas } }),
      ...(resource === storageClasses && provisioner && { provisioner }),
    };
    await cluster.client.create(resource, Object.assign(placed, more));
  }
}

/** The pods by name, once each is Ready and none of them is one of `old`. */
export function ready(
  cluster: Cluster,
  names: readonly string[],
  old: readonly Stored<Pod>[] = [],
): Promise<Stored<Pod>[]> {
  const informer = cluster.informers.of(pods);
  const uids = new Set(old.map((pod) => pod.metadata.uid));
  const look = () => {
    const found = names.map((name) => informer.get(name, NAMESPACE));
    return (
      found.every((pod) => pod && !uids.has(pod.metadata.uid) && isReady(pod)) && (found as Stored<Pod>[])
    );
  };
  return waitUntil([informer], look, {
    clock: cluster.clock,
    limitMs: LIMIT_MS,
    what: `pods ${names.join(', ')} ready`,
  });
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** The first line of the pod's log that fits, also if it has yet to come. */
export async function logLine(cluster: Cluster, name: string, fits: RegExp): Promise<string> {
  const stop = new AbortController();
  const timer = cluster.clock.after(LIMIT_MS, () =>
    stop.abort(new Error(`no line like ${fits} in the log of ${name}`)),
  );
  try {
    for await (const line of cluster.logs(
      { namespace: NAMESPACE, name },
      { follow: true, signal: stop.signal },
    )) {
      if (fits.test(line)) return line;
    }
    stop.signal.throwIfAborted();
    throw new Error(`the log of ${name} ended without a line like ${fits}`);
  } finally {
    timer.cancel();
    stop.abort();
  }
}

export function exactly(line: string): RegExp {
  return new RegExp(`^${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

export async function deleteExample(cluster: Cluster, names: readonly string[]): Promise<void> {
  const { client, clock, informers } = cluster;
  await client.delete(statefulSets, { namespace: NAMESPACE, name: SET });
  const podInformer = informers.of(pods);
  const gone = () => podInformer.size === 0;
  await waitUntil([podInformer], gone, { clock, limitMs: LIMIT_MS, what: 'the pods to go' });
  for (const name of names) {
    await client.delete(persistentVolumeClaims, { namespace: NAMESPACE, name: `${TEMPLATE}-${name}` });
  }
  await client.delete(storageClasses, { name: 'stowage-disk' });
}

export async function nothingLeft(cluster: Cluster): Promise<void> {
  const watched = [persistentVolumeClaims, persistentVolumes, volumeAttachments].map((resource) =>
    cluster.informers.of(resource as typeof persistentVolumes),
  );
  const empty = () => watched.every((informer) => informer.hasSynced && informer.size === 0);
  await waitUntil(watched as never, empty, {
    clock: cluster.clock,
    limitMs: LIMIT_MS,
    what: 'claims, volumes and attachments to go',
  });
}
