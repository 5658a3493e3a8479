import { type Client, type EventRecorder, ignoreNotFound } from '../../client/index.ts';
import {
  controllerReference,
  type Deployment,
  keyOf,
  type ReplicaSet,
  replicaSets,
  type Stored,
  splitKey,
} from '../../kube/index.ts';
import { canonical, LABEL_POD_TEMPLATE_HASH, safeHash } from '../workload/index.ts';
import { newestAnnotations, sizeAnnotations } from './annotations.ts';
import { replicasOf } from './fenceposts.ts';
import type { Scaling } from './scaling.ts';

const MAX_NAME_LENGTH = 253;

export interface SetWriterOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly signal: AbortSignal;
  readonly deployment: Stored<Deployment>;
}

type Set = Stored<ReplicaSet>;

/** The replica set of the deployment's template, named by its content and the collision count, without pods as yet. */
export function newSet(deployment: Stored<Deployment>, revision: number, collisionCount = 0): ReplicaSet {
  const { name, namespace } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec!;
  const hash = safeHash(canonical(template) + collisionCount);
  const labels = { ...template.metadata?.labels, [LABEL_POD_TEMPLATE_HASH]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name.slice(0, MAX_NAME_LENGTH - 1 - hash.length)}-${hash}`,
      namespace,
      labels,
      annotations: {
        ...newestAnnotations(deployment, undefined, revision),
        ...sizeAnnotations(deployment),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: 0,
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [LABEL_POD_TEMPLATE_HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Writes a deployment's replica sets, and tells of their sizes. */
export class SetWriter {
  readonly #options: SetWriterOptions;
  /** Sets as last written: one that is written again must be as it is now. */
  readonly #latest = new Map<string, Set>();

  constructor(options: SetWriterOptions) {
    this.#options = options;
  }

  async scale({ set, to, always }: Scaling): Promise<Set> {
    const { deployment, recorder } = this.#options;
    const present = this.#latest.get(set.metadata.uid) ?? set;
    const from = replicasOf(present);
    const annotations = sizeAnnotations(deployment);
    const current = present.metadata.annotations ?? {};
    const fits = Object.entries(annotations).every(([name, value]) => current[name] === value);
    if (from === to && (!always || fits)) return present;
    const scaled = await this.#patch(present, { metadata: { annotations }, spec: { replicas: to } });
    if (from !== to) {
      const text = `Scaled ${from < to ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${to}`;
      recorder.event(deployment, 'Normal', 'ScalingReplicaSet', text);
    }
    return scaled;
  }

  /** Brings annotations and minReadySeconds of the newest set up to date; undefined when they are. */
  async refresh(set: Set, revision: number): Promise<Set | undefined> {
    const { deployment } = this.#options;
    const present = set.metadata.annotations ?? {};
    const annotations = newestAnnotations(deployment, present, revision);
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    const fits = Object.entries(annotations).every(([name, value]) => present[name] === value);
    if (fits && (set.spec?.minReadySeconds ?? 0) === minReadySeconds) return undefined;
    return await this.#patch(set, { metadata: { annotations }, spec: { minReadySeconds } });
  }

  create(set: ReplicaSet): Promise<Set> {
    return this.#options.client.create(replicaSets, set, { signal: this.#options.signal });
  }

  async delete(set: Set): Promise<void> {
    const { client, signal } = this.#options;
    const { uid, resourceVersion } = set.metadata;
    const preconditions = { uid, resourceVersion };
    const options = { propagationPolicy: 'Background', preconditions, signal } as const;
    await ignoreNotFound(client.delete(replicaSets, splitKey(keyOf(set)), options));
  }

  async #patch(set: Set, change: { metadata: object; spec: object }): Promise<Set> {
    const { client, signal } = this.#options;
    const { uid, resourceVersion } = set.metadata;
    const body = { ...change, metadata: { ...change.metadata, uid, resourceVersion } };
    const written = await client.patch(
      replicaSets,
      splitKey(keyOf(set)),
      { type: 'merge', body },
      { signal },
    );
    this.#latest.set(uid, written);
    return written;
  }
}
