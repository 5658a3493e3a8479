import { annotation, type Deployment, type KubeObject, type ReplicaSet } from '../../kube/index.ts';
import { maxSurge, replicasOf } from './fenceposts.ts';

export const ANN_REVISION = 'deployment.kubernetes.io/revision';
export const ANN_REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const ANN_DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const ANN_MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
/** What extensions/v1beta1 had in spec.rollbackTo. */
export const ANN_ROLLBACK_TO = 'deprecated.deployment.rollback.to';

/** Annotations that a deployment and its replica sets do not share. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  ANN_REVISION,
  ANN_REVISION_HISTORY,
  ANN_DESIRED_REPLICAS,
  ANN_MAX_REPLICAS,
  ANN_ROLLBACK_TO,
]);

const MAX_HISTORY_CHARACTERS = 2000;

type Annotations = Readonly<Record<string, string>>;

/** 0 when there is none; undefined when it is no number. */
export function revisionOf(object: KubeObject): number | undefined {
  const text = annotation(object, ANN_REVISION);
  if (text === undefined) return 0;
  return /^[+-]?[0-9]+$/.test(text) ? Number(text) : undefined;
}

export function maxRevision(sets: readonly ReplicaSet[]): number {
  return Math.max(0, ...sets.map((set) => revisionOf(set) ?? 0));
}

/** The revision before the newest; 0 when there is none. */
export function lastRevision(sets: readonly ReplicaSet[]): number {
  return sets.flatMap((set) => revisionOf(set) ?? []).sort((a, b) => b - a)[1] ?? 0;
}

/** What a replica set's annotations say of its deployment's size. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const desired = replicasOf(deployment);
  return {
    [ANN_DESIRED_REPLICAS]: String(desired),
    [ANN_MAX_REPLICAS]: String(desired + maxSurge(deployment)),
  };
}

/** A count that an annotation holds; undefined when there is none or it makes no sense. */
export function countOf(set: ReplicaSet, name: string): number | undefined {
  const text = annotation(set, name) ?? '';
  const count = Number(text);
  return /^[0-9]+$/.test(text) && count < 2 ** 31 ? count : undefined;
}

/**
 * The annotations of the newest replica set: the deployment's, and a revision of at least `revision`. A revision that it
 * had before goes into its history (SetNewReplicaSetAnnotations).
 */
export function newestAnnotations(
  deployment: Deployment,
  present: Annotations | undefined,
  revision: number,
): Annotations {
  const annotations: Record<string, string> = { ...present, ...shared(deployment.metadata?.annotations) };
  const text = annotations[ANN_REVISION];
  const before = text === undefined || text === '' ? 0 : Number(text);
  if (Number.isNaN(before) || before >= revision) return annotations;
  annotations[ANN_REVISION] = String(revision);
  if (text !== undefined) {
    const history = withRevision(annotations[ANN_REVISION_HISTORY] ?? '', text);
    if (history !== undefined) annotations[ANN_REVISION_HISTORY] = history;
  }
  return annotations;
}

/** The history with one more revision; the oldest are dropped when it gets too long. */
function withRevision(history: string, revision: string): string | undefined {
  if (history === '') return revision;
  const revisions = [...history.split(','), revision];
  while (revisions.length > 1 && revisions.join().length > MAX_HISTORY_CHARACTERS) revisions.shift();
  const text = revisions.join();
  return text.length > MAX_HISTORY_CHARACTERS ? undefined : text;
}

/** The deployment's annotations after a rollback to a replica set: its own, and the set's for those that they share. */
export function rolledBackAnnotations(deployment: Deployment, set: ReplicaSet): Annotations {
  const own = Object.entries(deployment.metadata?.annotations ?? {}).filter(([name]) => NOT_COPIED.has(name));
  return { ...Object.fromEntries(own), ...shared(set.metadata?.annotations) };
}

function shared(annotations: Annotations | undefined): Annotations {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name)));
}
