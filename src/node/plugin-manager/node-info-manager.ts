import { backoffDelay, type Clock, errorMessage, sleep, TimeoutError } from '../../base/index.ts';
import type { Client, Informers } from '../../client/index.ts';
import {
  ANN_MIGRATED_PLUGINS,
  annotation,
  type CSINode,
  csiNodes,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type Node,
  nodes,
  type Stored,
  withAnnotations,
} from '../../kube/index.ts';
import { MIGRATED_PLUGINS } from '../../volume/migration/index.ts';
import {
  csiNodeWithDriver,
  csiNodeWithoutDriver,
  type DriverNodeInfo,
  type NodeMetadataChange,
  nodeWithDriver,
  nodeWithoutDriver,
} from './node-info.ts';

export interface NodeInfoManagerOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly nodeName: string;
  readonly clock: Clock;
}

const BY_NAME = 'metadata.name';
/** What the scheduler reads of a node (setMigrationAnnotation). */
const MIGRATED = { [ANN_MIGRATED_PLUGINS]: [...MIGRATED_PLUGINS].sort().join(',') };
const UPDATE_BACKOFF = { initialMs: 10, maxMs: 1_250, factor: 5 };
const UPDATE_TRIES = 4;
/** Source: initializeCSINode of pkg/volume/csi, which ends the kubelet after six. */
const INITIALIZE_BACKOFF = { initialMs: 30, maxMs: 122_880, factor: 8 };
/** How long a node object may take to appear after the node began to work. */
const NODE_PATIENCE_MS = 10_000;

/** Writes what drivers say about this node into its Node and CSINode. Upstream: nodeinfomanager. */
export class NodeInfoManager {
  readonly #options: NodeInfoManagerOptions;
  /** One write at a time: two drivers share an annotation and a list. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: NodeInfoManagerOptions) {
    this.#options = options;
    options.informers.of(nodes);
  }

  /** Makes the CSINode, empty, once the Node is there. Tries until it succeeds; `failed` hears of each failure. */
  async initialize(signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        return await this.#exclusively(async () => {
          await this.#nodeArrived(signal);
          await this.#retry(signal, async () => void (await this.#csiNode(signal)));
        });
      } catch (error) {
        if (signal.aborted) return;
        failed(error);
        const delayMs = backoffDelay(INITIALIZE_BACKOFF, failures);
        await sleep(this.#options.clock, delayMs, signal).catch(() => undefined);
      }
    }
  }

  /** @throws Error, with upstream's words, if the node or the CSINode cannot take the driver. */
  install(info: DriverNodeInfo, signal: AbortSignal): Promise<void> {
    if (info.nodeId === '') {
      return Promise.reject(new Error('error adding CSI driver node info: driverNodeID must not be empty'));
    }
    return this.#exclusively(async () => {
      await this.#nodeArrived(signal);
      await this.#updateNode('updating Node object with CSI driver node info', signal, (node) =>
        nodeWithDriver(node, info),
      );
      await this.#installInCsiNode(info, signal);
    });
  }

  /** What the driver says now, into the CSINode alone. */
  update(info: DriverNodeInfo, signal: AbortSignal): Promise<void> {
    return this.#exclusively(() => this.#installInCsiNode(info, signal));
  }

  uninstall(driver: string, signal: AbortSignal): Promise<void> {
    return this.#exclusively(async () => {
      const { client, nodeName } = this.#options;
      await this.#updateCsiNode('uninstalling CSI driver from CSINode object', signal, async () => {
        const node = await client.get(csiNodes, { name: nodeName }, { signal }).catch(absent);
        return node && csiNodeWithoutDriver(node, driver);
      });
      await this.#updateNode('removing CSI driver node info from Node object', signal, (node) =>
        nodeWithoutDriver(node, driver),
      );
    });
  }

  #installInCsiNode(info: DriverNodeInfo, signal: AbortSignal): Promise<void> {
    return this.#updateCsiNode('updating CSINode object with CSI driver node info', signal, async () =>
      csiNodeWithDriver(await this.#csiNode(signal), info),
    );
  }

  async #updateNode(
    what: string,
    signal: AbortSignal,
    change: (node: Node) => NodeMetadataChange | undefined,
  ): Promise<void> {
    const { client, nodeName } = this.#options;
    await this.#retry(signal, async () => {
      const node = await client.get(nodes, { name: nodeName }, { signal });
      const metadata = change(node);
      if (!metadata) return;
      const body = { metadata: { ...metadata, resourceVersion: node.metadata.resourceVersion } };
      await client.patch(nodes, { name: nodeName }, { type: 'merge', body }, { signal });
    }).catch((error: unknown) => {
      throw new Error(`error ${what}: ${errorMessage(error)}`, { cause: error });
    });
  }

  async #updateCsiNode(
    what: string,
    signal: AbortSignal,
    change: () => Promise<Stored<CSINode> | undefined>,
  ): Promise<void> {
    await this.#retry(signal, async () => {
      const changed = await change();
      if (changed) await this.#options.client.update(csiNodes, changed, { signal });
    }).catch((error: unknown) => {
      throw new Error(`error ${what}: ${errorMessage(error)}`, { cause: error });
    });
  }

  /** This node's CSINode, made if it is not there. One of a former node of the same name is replaced. */
  async #csiNode(signal: AbortSignal): Promise<Stored<CSINode>> {
    const { client, nodeName } = this.#options;
    const node = await client.get(nodes, { name: nodeName }, { signal });
    const found = await client.get(csiNodes, { name: nodeName }, { signal }).catch(absent);
    if (found) {
      const owned = found.metadata.ownerReferences?.some(
        (owner) => owner.kind === 'Node' && owner.name === nodeName && owner.uid === node.metadata.uid,
      );
      if (owned) {
        if (annotation(found, ANN_MIGRATED_PLUGINS) === MIGRATED[ANN_MIGRATED_PLUGINS]) return found;
        return await client.update(csiNodes, withAnnotations(found, MIGRATED), { signal });
      }
      await client
        .delete(csiNodes, { name: nodeName }, { preconditions: { uid: found.metadata.uid }, signal })
        .catch(absent);
    }
    const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid };
    const csiNode: CSINode = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name: nodeName, annotations: MIGRATED, ownerReferences: [owner] },
      spec: { drivers: [] },
    };
    return await client.create(csiNodes, csiNode, { signal });
  }

  /** Conflicts and races with others are tried again a few times; anything else is up to the caller. */
  async #retry(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        const raced = isConflict(error) || isAlreadyExists(error);
        if (!raced || failures >= UPDATE_TRIES) throw error;
        await sleep(this.#options.clock, backoffDelay(UPDATE_BACKOFF, failures), signal);
      }
    }
  }

  /** Resolves when the Node object exists: it may be registered only a moment from now. */
  async #nodeArrived(signal: AbortSignal): Promise<void> {
    const { informers, nodeName, clock } = this.#options;
    const informer = informers.of(nodes);
    if (informer.get(nodeName)) return;
    const arrived = Promise.withResolvers<void>();
    const aborted = () => arrived.reject(signal.reason);
    const timer = clock.after(
      NODE_PATIENCE_MS,
      () =>
        arrived.reject(
          new TimeoutError(`waiting for node ${JSON.stringify(nodeName)} to be registered`, NODE_PATIENCE_MS),
        ),
      { unref: true },
    );
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
    const stop = informer
      .addIndex(BY_NAME, ({ metadata }) => [metadata.name])
      .on({ added: () => arrived.resolve() }, { index: BY_NAME, value: nodeName });
    try {
      await arrived.promise;
    } finally {
      stop();
      timer.cancel();
      signal.removeEventListener('abort', aborted);
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}

function absent(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
  return undefined;
}
