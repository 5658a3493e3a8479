import type { Metrics } from '../../../base/index.ts';
import {
  type ComponentContext,
  Controller,
  type Informer,
  Informers,
  limitRate,
} from '../../../client/index.ts';
import type { CsiClient } from '../../../csi/index.ts';
import { type CSIDriver, claimClass, csiDrivers } from '../../../kube/index.ts';
import type { NodesOfDriver } from '../nodes-of-driver.ts';
import type { Flags } from '../options.ts';
import type { VolumeObserver } from '../volume-observer.ts';
import { CapacityController } from './capacity-controller.ts';
import { describeCapacities } from './capacity-metrics.ts';
import type { Management } from './capacity-object.ts';
import { managedBy } from './managed-by.ts';
import type { CapacityOptions } from './options.ts';
import { lookUpOwner } from './owner.ts';
import { clusterSegments } from './wanted.ts';

export interface CapacityPartOptions {
  readonly csi: CsiClient;
  readonly driver: string;
  readonly capacity: CapacityOptions;
  readonly nodes: NodesOfDriver;
  /** Where there is a provisioner on each node. */
  readonly nodeName: string | undefined;
  readonly flags: Flags;
  readonly metrics: Metrics | undefined;
}

/** What of the provisioner makes CSIStorageCapacity objects. */
export class CapacityPart {
  readonly #context: ComponentContext;
  readonly #options: CapacityPartOptions;
  #controller: CapacityController | undefined;

  constructor(context: ComponentContext, options: CapacityPartOptions) {
    const { limit } = options.capacity;
    const { client, clock } = context;
    this.#context = limit ? { ...context, client: limitRate(client, limit, clock) } : context;
    this.#options = options;
    if (options.metrics) describeCapacities(options.metrics, () => this.#controller);
  }

  /** Hears of volumes that come and go: the capacity is another then. Source: provisionWrapper. */
  readonly observer: VolumeObserver = {
    made: (claim, volume) => this.#controller?.volumeChanged(volume, claimClass(claim)),
    notMade: (claim, state) => {
      if (state !== 'no-change') this.#controller?.volumeFailed(claimClass(claim));
    },
    deleted: (volume) => this.#controller?.volumeChanged(volume),
  };

  /** Works until the signal aborts. Rejects when the owner of the objects cannot be found. */
  async run(signal: AbortSignal): Promise<void> {
    const { driver, capacity, nodeName } = this.#options;
    const { client, informers } = this.#context;
    const { namespace, owner } = capacity;
    const management: Management = {
      driver,
      managedBy: managedBy(nodeName),
      namespace,
      owner: owner && (await lookUpOwner(client, { namespace, name: owner.podName }, owner.level)),
    };
    const work = (stopped: AbortSignal) => this.#work(management, stopped);
    if (!capacity.onlyIfTracked) return work(signal);
    await whileTracked(this.#context, informers.of(csiDrivers), driver, signal, work);
  }

  async #work(management: Management, signal: AbortSignal): Promise<void> {
    const { csi, driver, nodes, flags, capacity } = this.#options;
    const { timeoutMs, backoff } = flags;
    this.#controller = new CapacityController(this.#context, {
      csi,
      management,
      segments: {
        informers: nodes.informers,
        list: () => clusterSegments(driver, nodes.csiNodes(), nodes.node),
        onChange: nodes.onChange,
      },
      timeoutMs,
      backoff,
      pollIntervalMs: capacity.pollIntervalMs ?? 60_000,
      threads: capacity.threads ?? 1,
      immediateBinding: capacity.immediateBinding ?? false,
    });
    try {
      await this.#controller.run(signal);
    } finally {
      this.#controller = undefined;
    }
  }
}

/** Works while the driver's object says that its capacity counts. */
async function whileTracked(
  { clock, log }: ComponentContext,
  drivers: Informer<CSIDriver>,
  name: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  let running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  const stop = async () => {
    running?.stop.abort();
    await running?.done;
    running = undefined;
  };
  const loop = new Controller({
    name: `whether the capacity of ${name} counts`,
    clock,
    log,
    workers: 1,
    async reconcile() {
      const isTracked = drivers.get(name)?.spec?.storageCapacity === true;
      if (!isTracked) return stop();
      if (running) return;
      const abort = new AbortController();
      running = { stop: abort, done: work(abort.signal) };
    },
  });
  await Informers.synced(signal, drivers);
  const changed = ({ metadata }: CSIDriver) => {
    if (metadata?.name === name) loop.enqueue(name);
  };
  const end = drivers.on({ added: changed, updated: changed, deleted: changed });
  try {
    await loop.run(signal);
  } finally {
    end();
    await stop();
  }
}
