import { errorMessage, Metrics, sleep } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  Informers,
} from '../../client/index.ts';
import type { Host } from '../../host/index.ts';
import {
  LABEL_HOSTNAME,
  type Node,
  nodes,
  type PersistentVolume,
  persistentVolumes,
  type Stored,
  storageClasses,
} from '../../kube/index.ts';
import { CleanupJobs } from './cleanup-jobs.ts';
import { CleanupProcesses } from './cleanups.ts';
import type { ProvisionerConfig } from './config.ts';
import { deleteReleased } from './deleter.ts';
import { discover } from './discoverer.ts';
import { type LocalMetrics, localMetrics } from './metrics.ts';
import { provisionerName } from './names.ts';
import { removeTaint } from './taint.ts';
import { isOurs } from './volume-object.ts';

export interface LocalProvisionerOptions {
  readonly host: Host;
  readonly nodeName: string;
  /** As it is now; it is read again every `configSyncPeriodMs`. Rejects with what is wrong with it. */
  readonly readConfig: () => Promise<ProvisionerConfig>;
  /** @default 10000 */
  readonly discoveryPeriodMs?: number;
  /** @default 5000 */
  readonly configSyncPeriodMs?: number;
  /** Where Jobs run that wipe disks. @default default */
  readonly jobNamespace?: string;
  /** What they run in. @default none: only processes wipe */
  readonly jobImage?: string | undefined;
  /** @default nobody asks */
  readonly metrics?: Metrics;
}

export interface LocalProvisioner extends Component {
  /** Why not every volume that should be offered is; undefined when all are. */
  unready(): string | undefined;
}

const NODE_TRIES = 3;
const NODE_RETRY_MS = 1_000;
/** Upstream waits for a discovery period. A node that lets go of a disk in a moment is worth less. */
const FIRST_RETRY_MS = 250;

/**
 * Offers the local disks and file systems of a node as PersistentVolumes: what is mounted in the directory of a class, or
 * leads from there to a block device. One that is given back is wiped and offered again. Source:
 * sig-storage-local-static-provisioner 2.9.
 */
export function createLocalProvisioner(
  context: ComponentContext,
  options: LocalProvisionerOptions,
): LocalProvisioner {
  const metrics = localMetrics(options.metrics ?? new Metrics(), context.clock);
  let problem: string | undefined = 'discovererNotReady';
  return {
    name: `local provisioner of ${options.nodeName}`,
    unready: () => problem,
    async start(signal) {
      const volumes = context.informers.of(persistentVolumes);
      const classes = context.informers.of(storageClasses);
      const [config, node] = await Promise.all([
        options.readConfig(),
        theNode(context, options.nodeName, signal),
      ]);
      await Informers.synced(signal, volumes, classes);
      if (signal.aborted) return;
      const worker = new Worker(context, options, {
        node,
        config,
        metrics,
        signal,
        tell: (now) => (problem = now),
      });
      const enqueue = () => worker.queue.enqueue('all');
      const touched = (volume: Stored<PersistentVolume>) => worker.owns(volume) && enqueue();
      const stops = [
        volumes.on({ added: touched, updated: touched, deleted: touched }),
        classes.on({ added: enqueue, updated: enqueue, deleted: enqueue }),
      ];
      enqueue();
      try {
        await Promise.all([worker.queue.run(signal), worker.followConfig(signal)]);
      } finally {
        for (const stop of stops) stop();
        await worker.settled();
      }
    },
  };
}

/** @throws Error when the node is not there after three tries, or has no name for volumes. Source: GetNode, generateNodeSelector. */
async function theNode(
  { client, clock }: ComponentContext,
  name: string,
  signal: AbortSignal,
): Promise<Stored<Node>> {
  for (let tries = 1; ; tries++) {
    try {
      const node = await client.get(nodes, { name }, { signal });
      if (node.metadata.labels?.[LABEL_HOSTNAME] === undefined)
        throw new Error(`Node does not have expected label ${LABEL_HOSTNAME}`);
      return node;
    } catch (error) {
      if (signal.aborted) throw error;
      if (tries === NODE_TRIES)
        throw new Error(`Could not get node information: ${errorMessage(error)}`, { cause: error });
      await sleep(clock, NODE_RETRY_MS, signal);
    }
  }
}

interface WorkerParts {
  readonly node: Stored<Node>;
  readonly config: ProvisionerConfig;
  readonly metrics: LocalMetrics;
  readonly signal: AbortSignal;
  tell(problem: string | undefined): void;
}

/** Looks at everything: when a volume of its own changes, when one is wiped, and every discovery period. */
class Worker {
  readonly queue: Controller;
  readonly #context: ComponentContext;
  readonly #options: LocalProvisionerOptions;
  readonly #parts: WorkerParts;
  readonly #processes: CleanupProcesses;
  readonly #periodMs: number;
  #config: ProvisionerConfig;
  #recorder: EventRecorder;
  #isTaintGone = false;

  constructor(context: ComponentContext, options: LocalProvisionerOptions, parts: WorkerParts) {
    this.#context = context;
    this.#options = options;
    this.#parts = parts;
    this.#config = parts.config;
    this.#recorder = this.#newRecorder();
    this.#periodMs = options.discoveryPeriodMs ?? 10_000;
    this.#processes = new CleanupProcesses(() => context.clock.now());
    parts.metrics.observe(() => this.#own(), this.#processes);
    const { clock, log } = context;
    this.queue = new Controller({
      name: `local provisioner of ${options.nodeName}`,
      clock,
      log,
      workers: 1,
      backoff: { initialMs: this.#periodMs, maxMs: this.#periodMs },
      reconcile: () => this.#round(),
    });
  }

  owns(volume: PersistentVolume): boolean {
    return isOurs(volume, this.#parts.node, this.#config.useNodeNameOnly);
  }

  settled(): Promise<void> {
    return this.#processes.settled();
  }

  /** A configuration that has become unusable is told of, and the last one that was good stays. */
  async followConfig(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context;
    let told = '';
    while (!signal.aborted) {
      await sleep(clock, this.#options.configSyncPeriodMs ?? 5_000, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const config = await this.#options.readConfig();
        told = '';
        if (JSON.stringify(config) === JSON.stringify(this.#config)) continue;
        log.info('the configuration has changed');
        this.#config = config;
        this.#recorder = this.#newRecorder();
        this.queue.enqueue('all');
      } catch (error) {
        const problem = errorMessage(error);
        if (problem !== told) log.error('the configuration is kept as it was', { error: problem });
        told = problem;
      }
    }
  }

  #newRecorder(): EventRecorder {
    return this.#context.recorder(provisionerName(this.#parts.node, this.#config.useNodeNameOnly));
  }

  #own(): readonly Stored<PersistentVolume>[] {
    return [...this.#context.informers.of(persistentVolumes).values()].filter((volume) => this.owns(volume));
  }

  async #round(): Promise<number> {
    const { client, clock, log, informers } = this.#context;
    const { host, nodeName, jobImage } = this.#options;
    const { node, metrics, signal, tell } = this.#parts;
    const config = this.#config;
    const jobNamespace = this.#options.jobNamespace ?? 'default';
    const jobs = config.useJobForCleaning
      ? await CleanupJobs.list(client, jobNamespace, nodeName)
      : undefined;
    const round = {
      client,
      clock,
      log,
      host,
      metrics,
      config,
      node,
      recorder: this.#recorder,
      classes: informers.of(storageClasses),
      own: this.#own(),
      processes: this.#processes,
      cleanupsOf: (mode: 'Filesystem' | 'Block') => (mode === 'Block' && jobs ? jobs : this.#processes),
    };
    await deleteReleased(round, {
      jobNamespace,
      jobImage,
      retry: { initialMs: FIRST_RETRY_MS, maxMs: this.#periodMs },
      signal,
      again: (afterMs) => this.queue.enqueueAfter('all', afterMs),
    });
    const problems = await discover(round);
    for (const problem of problems) log.warn('a local volume is not offered', { error: problem });
    tell(problems[0]);
    if (problems.length === 0 && config.removeNodeNotReadyTaint && !this.#isTaintGone) {
      await removeTaint(client, nodeName, config);
      this.#isTaintGone = true;
    }
    return this.#periodMs;
  }
}
