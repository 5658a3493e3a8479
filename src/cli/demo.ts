import { existsSync } from 'node:fs';
import { errorMessage, type LogLevel, systemClock, type TraceRecord } from '../base/index.ts';
import { type Cluster, type ClusterOptions, startCluster } from '../cluster.ts';
import { SIMULATED_DRIVER } from '../drivers/simulated/index.ts';
import { events, isNotFound, pods } from '../kube/index.ts';
import {
  applyExample,
  deleteExample,
  exactly,
  logLine,
  NAMESPACE,
  nothingLeft,
  ready,
  SET,
  TEMPLATE,
} from './demo-example.ts';
import { journeyLine, STEPS_SHOWN } from './journey.ts';
import { enterMode, findMode, type Mode, ROOTLESS_COSTS } from './mode.ts';

/** A part of the demo that went wrong: which, and why. */
class DemoError extends Error {
  constructor(part: string, cause: unknown) {
    super(`${part}: ${errorMessage(cause)}`, { cause });
  }
}

/** What the demo is in each mode: said first, and what it runs on. */
interface Stage {
  readonly opening: string;
  readonly nodes: Pick<ClusterOptions, 'nodes' | 'simulatedNodes'>;
  /** Whose volumes instead of the example's. */
  readonly provisioner?: string;
  /** Whether containers run programs, which write and say something. */
  readonly hasPrograms: boolean;
}

function stageOf(mode: Mode): Stage {
  const one = { nodes: 1 };
  switch (mode.name) {
    case 'real':
      return {
        opening: 'Real, for this is root: volumes are disks on loop devices, and pods are processes.',
        nodes: one,
        hasPrograms: true,
      };
    case 'rootless':
      return {
        opening: `Rootless, for this has not the rights for disks but user namespaces can be had: ${ROOTLESS_COSTS}.`,
        nodes: one,
        hasPrograms: true,
      };
    case 'simulated':
      return {
        opening: `Simulated, with a node and volumes in memory only, for there is no better here: ${mode.why}.`,
        nodes: { nodes: 0, simulatedNodes: 1 },
        provisioner: SIMULATED_DRIVER,
        hasPrograms: false,
      };
  }
}

/** The main job, told as it happens. Resolves to the exit code. */
export async function demo(options: { replicas: number; logLevel: LogLevel }): Promise<number> {
  const mode = await findMode();
  if (mode.name === 'rootless' && mode.entry) enterMode(mode.entry);
  const stage = stageOf(mode);
  const say = (line = '') => process.stdout.write(`${line}\n`);
  say(stage.opening);
  let cluster: Cluster | undefined;
  try {
    const startedAt = systemClock.monotonic();
    cluster = await part('start', () =>
      startCluster({ ephemeral: true, port: 0, ...stage.nodes, logLevel: options.logLevel }),
    );
    say(
      `Stowage is up on ${cluster.url} after ${ms(systemClock.monotonic() - startedAt)}, its files in ${cluster.directory}`,
    );
    await tell(cluster, stage, options.replicas, say);
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

async function tell(
  cluster: Cluster,
  stage: Stage,
  replicas: number,
  say: (line?: string) => void,
): Promise<void> {
  const names = Array.from({ length: replicas }, (_, ordinal) => `${SET}-${ordinal}`);
  const mounted = new Map<string, TraceRecord>();
  cluster.trace.subscribe((record) => {
    if (record.end === undefined) return;
    if (record.step === 'mount' && record.outcome === 'ok') mounted.set(record.journey, record);
    if (STEPS_SHOWN.has(record.step)) say(journeyLine(record));
  });

  say(`\nApplying examples/statefulset.yaml: StatefulSet ${SET} with ${replicas} replicas`);
  await part('apply', () => applyExample(cluster, replicas, stage.provisioner));
  const first = await part('run', () => ready(cluster, names));

  for (const name of names) {
    const line = stage.hasPrograms && (await part('run', () => logLine(cluster, name, / on \/data /)));
    say(`\n${name}${line ? ` sees        ${line}` : ''}`);
    const { globalPath, podPath } = mounted.get(`${NAMESPACE}/${TEMPLATE}-${name}`)?.attributes ?? {};
    say(`  global path     ${globalPath}`);
    say(`  pod path        ${podPath}`);
  }

  const target = names[0]!;
  const written = stage.hasPrograms && (await part('run', () => logLine(cluster, target, /started/)));
  say(`\nDeleting pod ${target}${written ? `; its line in /data/log is: ${written}` : ''}`);
  await part('delete the pod', () => cluster.client.delete(pods, { namespace: NAMESPACE, name: target }));
  await part('run the successor', () => ready(cluster, [target], first));
  if (written) {
    await part('read what the first pod wrote', () => logLine(cluster, target, exactly(written)));
    say(`The successor of ${target} reads in its /data/log: ${written}`);
  }

  say('\nDeleting the StatefulSet, then the claims');
  await part('delete', () => deleteExample(cluster, names));
  await part('clean up', () => nothingLeft(cluster));
  const left = await part('clean up', () => cluster.volumesLeft());
  if (left.length > 0) throw new DemoError('clean up', new Error(`left behind: ${left.join('; ')}`));
  say('Nothing is left: no PV, VolumeAttachment, volume, loop device, mount or pod directory.');
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
