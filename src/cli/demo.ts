import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { errorMessage, type LogLevel, systemClock, type TraceRecord } from '../base/index.ts';
import { waitUntil } from '../client/index.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import {
  events,
  isNotFound,
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
import { journeyLine, STEPS_SHOWN } from './journey.ts';
import { requirePrivileges } from './privileges.ts';

const NAMESPACE = 'default';
const SET = 'web';
const TEMPLATE = 'disk-pvc';
/** How long any one part of the demo may take. */
const LIMIT_MS = 60_000;

/** A part of the demo that went wrong: which, and why. */
class DemoError extends Error {
  constructor(part: string, cause: unknown) {
    super(`${part}: ${errorMessage(cause)}`, { cause });
  }
}

/** The main job, told as it happens. Resolves to the exit code. */
export async function demo(options: { replicas: number; logLevel: LogLevel }): Promise<number> {
  await requirePrivileges('stowage demo');
  const say = (line = '') => process.stdout.write(`${line}\n`);
  let cluster: Cluster | undefined;
  try {
    const startedAt = systemClock.monotonic();
    cluster = await part('start', () =>
      startCluster({ ephemeral: true, port: 0, nodes: 1, logLevel: options.logLevel }),
    );
    say(
      `Stowage is up on ${cluster.url} after ${ms(systemClock.monotonic() - startedAt)}, its files in ${cluster.directory}`,
    );
    await tell(cluster, options.replicas, say);
    await part('stop', () => cluster!.stop());
    if (existsSync(cluster.directory))
      throw new DemoError('stop', new Error(`${cluster.directory} is still there`));
    say(`Stopped; ${cluster.directory} is gone.`);
    return 0;
  } catch (error) {
    say();
    process.stderr.write(`stowage demo: failed at ${errorMessage(error)}\n`);
    if (cluster) {
      for (const line of await warnings(cluster).catch(() => [])) process.stderr.write(`  ${line}\n`);
      await cluster
        .stop()
        .catch((stopError) => process.stderr.write(`  and at the stop: ${errorMessage(stopError)}\n`));
    }
    return 1;
  }
}

async function tell(cluster: Cluster, replicas: number, say: (line?: string) => void): Promise<void> {
  const names = Array.from({ length: replicas }, (_, ordinal) => `${SET}-${ordinal}`);
  const mounted = new Map<string, TraceRecord>();
  cluster.trace.subscribe((record) => {
    if (record.end === undefined) return;
    if (record.step === 'mount' && record.outcome === 'ok') mounted.set(record.journey, record);
    if (STEPS_SHOWN.has(record.step)) say(journeyLine(record));
  });

  say(`\nApplying examples/statefulset.yaml: StatefulSet ${SET} with ${replicas} replicas`);
  await part('apply', () => applyExample(cluster, replicas));
  const first = await part('run', () => ready(cluster, names));

  for (const name of names) {
    const journey = `${NAMESPACE}/${TEMPLATE}-${name}`;
    const line = await part('run', () => logLine(cluster, name, / on \/data /));
    say(`\n${name} sees        ${line}`);
    say(`  global path     ${mounted.get(journey)?.attributes.globalPath}`);
    say(`  pod path        ${mounted.get(journey)?.attributes.podPath}`);
  }

  const target = names[0]!;
  const before = await part('run', () => logLine(cluster, target, /started/));
  say(`\nDeleting pod ${target}; its line in /data/log is: ${before}`);
  await part('delete the pod', () => cluster.client.delete(pods, { namespace: NAMESPACE, name: target }));
  await part('run the successor', () => ready(cluster, [target], first));
  await part('read what the first pod wrote', () => logLine(cluster, target, exactly(before)));
  say(`The successor of ${target} reads in its /data/log: ${before}`);

  say('\nDeleting the StatefulSet, then the claims');
  await part('delete', () => deleteExample(cluster, names));
  await part('clean up', () => nothingLeft(cluster));
  const left = await part('clean up', () => cluster.volumesLeft());
  if (left.length > 0) throw new DemoError('clean up', new Error(`left behind: ${left.join('; ')}`));
  say('Nothing is left: no PV, VolumeAttachment, image file, loop device, mount or pod directory.');
}

async function applyExample(cluster: Cluster, replicas: number): Promise<void> {
  const text = await readFile(new URL('../../examples/statefulset.yaml', import.meta.url), 'utf8');
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as KubeObject & { spec?: object };
    const resource = resourceOf(object.apiVersion ?? '', object.kind ?? '');
    if (!resource)
      throw new Error(`examples/statefulset.yaml: unknown kind ${object.apiVersion} ${object.kind}`);
    const placed = resource.namespaced
      ? { ...object, metadata: { namespace: NAMESPACE, ...object.metadata } }
      : object;
    const scaled = resource === statefulSets ? { ...placed, spec: { ...object.spec, replicas } } : placed;
    await cluster.client.create(resource, scaled);
  }
}

/** The pods by name, once each is Ready and none of them is one of `old`. */
function ready(
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
async function logLine(cluster: Cluster, name: string, fits: RegExp): Promise<string> {
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

function exactly(line: string): RegExp {
  return new RegExp(`^${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

async function deleteExample(cluster: Cluster, names: readonly string[]): Promise<void> {
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

async function nothingLeft(cluster: Cluster): Promise<void> {
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

/** The newest warnings, for whoever must find out why it failed. */
async function warnings(cluster: Cluster): Promise<string[]> {
  const list = await cluster.client.list(events, { fieldSelector: 'type=Warning' }).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  return (list?.items ?? [])
    .slice(-10)
    .map(
      ({ involvedObject, reason, message }) =>
        `${involvedObject.kind} ${involvedObject.name}: ${reason}: ${message}`,
    );
}

async function part<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof DemoError ? error : new DemoError(name, error);
  }
}

function ms(duration: number): string {
  return `${duration.toFixed(0)} ms`;
}
