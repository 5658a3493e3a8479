import { sharedTicks } from '../base/index.ts';
import type { ComponentContext } from '../client/index.ts';
import { serveInMemory } from '../csi/index.ts';
import { SIMULATED_DRIVER, simulatedController } from '../drivers/simulated/index.ts';
import { csiNodes, driverOf } from '../kube/index.ts';
import type { ContextOf } from './actors.ts';
import { ensureDriverObject } from './driver-object.ts';
import { ADMINISTRATOR, nodeUser } from './identities.ts';
import { nameOfSimulatedNode } from './names.ts';
import type { Running } from './running.ts';
import { startSidecarsOf } from './sidecars.ts';
import { createSimulatedNode } from './simulated-node.ts';

/** Nodes do their work at these moments together: what thousands of them write then shares a few commits. */
const TICK_MS = 250;
/** How many register at a time. */
const AT_ONCE = 64;

export interface SimulatedNodesOptions {
  readonly count: number;
  /** Labels with which nodes register, by the node's name. */
  readonly labels: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly running: Running;
  readonly withSidecars: boolean;
}

/** Nodes that exist in memory only, and the driver of their volumes. Resolves when all are registered, and it with each. */
export async function startSimulatedNodes(
  contextOf: ContextOf,
  options: SimulatedNodesOptions,
): Promise<void> {
  const { count, running } = options;
  const administrator = await contextOf(ADMINISTRATOR);
  const { clock, log } = administrator;
  await ensureDriverObject(administrator, SIMULATED_DRIVER, {
    attachRequired: true,
    podInfoOnMount: false,
    volumeLifecycleModes: ['Persistent'],
  });
  const driver = serveInMemory(simulatedController(), { clock, log });
  running.onStop('simulated driver', async () => driver.stop());
  if (options.withSidecars) await startSidecarsOf(contextOf, driver.connect(), running);
  const ticks = sharedTicks(clock, TICK_MS);
  const names = Array.from({ length: count }, (_, index) => nameOfSimulatedNode(index + 1));
  const waiting = names.values();
  const startNext = async (): Promise<void> => {
    for (const name of waiting) {
      const context = await contextOf(nodeUser(name));
      const recorder = context.recorder('kubelet', name);
      const labels = options.labels[name];
      const node = createSimulatedNode(
        { ...context, clock: ticks, recorder: () => recorder },
        { name, labels },
      );
      running.start(node);
      await registered.of(name);
    }
  };
  const registered = registrations(administrator);
  try {
    await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, startNext)), running.failed]);
  } finally {
    registered.stop();
  }
}

/** Tells when the driver is registered with a node, by its CSINode: one listener for all of them. */
function registrations({ informers }: ComponentContext): { of(name: string): Promise<void>; stop(): void } {
  const informer = informers.of(csiNodes);
  const awaited = new Map<string, () => void>();
  const look = (name: string) => {
    if (!driverOf(informer.get(name), SIMULATED_DRIVER)) return;
    awaited.get(name)?.();
    awaited.delete(name);
  };
  const seen = ({ metadata }: { metadata: { name: string } }) => look(metadata.name);
  return {
    of: (name) =>
      new Promise((resolve) => {
        awaited.set(name, resolve);
        look(name);
      }),
    stop: informer.on({ added: seen, updated: seen }),
  };
}
