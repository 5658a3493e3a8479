import { errorMessage } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  ignoreNotFound,
  runControllers,
} from '../../client/index.ts';
import {
  resources as builtInResources,
  events,
  isBeingDeleted,
  isNotFound,
  type KubeObject,
  type Namespace,
  namespaces,
  type Resource,
  type Stored,
} from '../../kube/index.ts';
import { conditionsAfter } from './conditions.ts';
import { deleteContent, type Outcome } from './content.ts';
import { discoverNamespaced } from './discover.ts';

const NAME = 'namespace-controller';
/** What this controller takes away from spec.finalizers when a namespace is empty. */
const FINALIZER = 'kubernetes';
/** Upstream: --concurrent-namespace-syncs. */
const WORKERS = 10;
const BACKOFF = { initialMs: 5, maxMs: 60_000 };
/** How soon after an object has gone the rest of its namespace is looked at; many go at once. */
const GATHER_MS = 100;

export interface NamespaceControllerOptions {
  /**
   * How long after its deletion a namespace is emptied, in milliseconds. With several API servers others may for so
   * long still let objects into it. @default 5000
   */
  readonly gracePeriodMs?: number;
  /** The namespaced resources that the server has. @default the built-in and the custom ones */
  discover?(): Promise<readonly Resource[]>;
}

/**
 * Empties namespaces that are being deleted, says in their conditions what holds them up, and lets them go. Source:
 * Kubernetes 1.36, pkg/controller/namespace; where upstream only looks again after a time, a pass follows here as soon
 * as something in the namespace has gone.
 */
export function createNamespaceController(
  context: ComponentContext,
  options: NamespaceControllerOptions = {},
): Component {
  const { client, clock, informers, log } = context;
  const { gracePeriodMs = 5_000 } = options;
  const builtIn = builtInResources.filter(({ namespaced }) => namespaced);
  const discover = options.discover ?? (() => discoverNamespaced(client));
  const namespaceInformer = informers.of(namespaces);
  // Nothing waits for an event to go, and a cache of them is dear.
  const contentInformers = builtIn
    .filter((one) => one.plural !== events.plural)
    .map((one) => informers.of(one));

  const controller = new Controller({
    name: NAME,
    clock,
    log,
    workers: WORKERS,
    backoff: BACKOFF,
    async reconcile(name, signal): Promise<number | undefined> {
      const namespace = await live(name, signal);
      if (!namespace || !isBeingDeleted(namespace) || !namespace.spec?.finalizers?.length) return undefined;
      const outcome = await deleteContent(namespace, { client, discover, now: () => clock.now(), signal });
      await report(namespace, outcome, signal);
      const failures = [...outcome.contentErrors];
      if (outcome.discoveryError !== undefined) failures.unshift(outcome.discoveryError);
      if (failures.length > 0) throw new Error(`emptying namespace ${name}: ${failures.join('; ')}`);
      if (outcome.estimateSeconds > 0) return (Math.floor(outcome.estimateSeconds / 2) + 1) * 1000;
      await finalize(namespace, signal);
      return undefined;
    },
  });

  function live(name: string, signal: AbortSignal): Promise<Stored<Namespace> | undefined> {
    return ignoreNotFound(client.get(namespaces, { name }, { signal }));
  }

  async function report(namespace: Stored<Namespace>, outcome: Outcome, signal: AbortSignal): Promise<void> {
    const before = namespace.status?.conditions ?? [];
    const conditions = conditionsAfter(before, outcome, clock.now());
    if (conditions === before && namespace.status?.phase === 'Terminating') return;
    const status = { ...namespace.status, phase: 'Terminating', conditions };
    const { resourceVersion: _, ...metadata } = namespace.metadata;
    try {
      await client.update(namespaces, { ...namespace, metadata, status }, { subresource: 'status', signal });
    } catch (error) {
      if (signal.aborted) throw error;
      // The conditions are for people to read: the work goes on without them.
      if (!isNotFound(error))
        log.warn('the conditions of a namespace could not be written', {
          namespace: namespace.metadata.name,
          error: errorMessage(error),
        });
    }
  }

  async function finalize(namespace: Stored<Namespace>, signal: AbortSignal): Promise<void> {
    const current = await live(namespace.metadata.name, signal);
    if (current?.metadata.uid !== namespace.metadata.uid) return;
    const finalizers = (current.spec?.finalizers ?? []).filter((one) => one !== FINALIZER);
    const finalized = { ...current, spec: { ...current.spec, finalizers } };
    await ignoreNotFound(client.update(namespaces, finalized, { subresource: 'finalize', signal }));
  }

  const lookAtNamespace = (namespace: Stored<Namespace>) => {
    if (isBeingDeleted(namespace)) controller.enqueueAfter(namespace.metadata.name, gracePeriodMs);
  };
  const lookAtGone = ({ metadata }: Stored<KubeObject>) => {
    const namespace = metadata.namespace && namespaceInformer.get(metadata.namespace);
    if (namespace && isBeingDeleted(namespace))
      controller.enqueueAfter(namespace.metadata.name, Math.max(GATHER_MS, gracePeriodMs));
  };

  return {
    name: NAME,
    start: (signal) =>
      runControllers(signal, {
        informers: { namespaceInformer },
        listen: () => [
          namespaceInformer.on({
            added: lookAtNamespace,
            // Our own conditions are no reason to look again.
            updated(namespace, previous) {
              if (!isBeingDeleted(previous)) lookAtNamespace(namespace);
            },
          }),
          ...contentInformers.map((informer) => informer.on({ deleted: lookAtGone })),
        ],
        loops: [controller],
      }),
  };
}
