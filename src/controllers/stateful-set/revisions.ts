import {
  type ControllerRevision,
  controllerReference,
  type PodTemplateSpec,
  type StatefulSet,
  type Stored,
} from '../../kube/index.ts';
import { canonical, goJson, safeHash, templatePatch } from '../workload/index.ts';

/** The label of a ControllerRevision that holds the hash at the end of its name. */
const LABEL_HASH = 'controller.kubernetes.io/hash';

const MAX_PREFIX_LENGTH = 223;

/** By revision, then by age, then by name: the last is the newest. */
export function sortRevisions(
  revisions: readonly Stored<ControllerRevision>[],
): Stored<ControllerRevision>[] {
  return [...revisions].sort(
    (a, b) =>
      a.revision - b.revision ||
      a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
}

/** The pod template that a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined;
  if (!data?.spec?.template) {
    throw new Error(`ControllerRevision "${revision.metadata?.name}" holds no pod template`);
  }
  const { $patch: _, ...template } = data.spec.template;
  return template;
}

export function sameData(a: ControllerRevision, b: ControllerRevision): boolean {
  return canonical(a.data) === canonical(b.data);
}

/** The revision of the set as it is now, named by its content and `collisionCount` as upstream's (HashControllerRevision). */
export function newRevision(
  set: Stored<StatefulSet>,
  revision: number,
  collisionCount: number,
): ControllerRevision & { metadata: { name: string } } {
  const data = templatePatch(set.spec?.template);
  const hash = safeHash(goJson(data) + collisionCount);
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${set.metadata.name.slice(0, MAX_PREFIX_LENGTH)}-${hash}`,
      namespace: set.metadata.namespace,
      labels: { ...set.spec?.template.metadata?.labels, [LABEL_HASH]: hash },
      annotations: set.metadata.annotations,
      ownerReferences: [controllerReference(set)],
    },
    data,
    revision,
  };
}

/** How the set's revisions must change so that the newest is what the set says now. */
export type RevisionPlan =
  /** Nothing to write. */
  | { readonly action: 'keep'; readonly update: Stored<ControllerRevision> }
  /** The set went back to an earlier template: that revision becomes the newest. */
  | { readonly action: 'renumber'; readonly update: Stored<ControllerRevision>; readonly revision: number }
  | { readonly action: 'create'; readonly revision: number };

export function planRevision(
  set: Stored<StatefulSet>,
  revisions: readonly Stored<ControllerRevision>[],
): RevisionPlan {
  const sorted = sortRevisions(revisions);
  const newest = sorted.at(-1);
  const next = (newest?.revision ?? 0) + 1;
  const wanted = canonical(templatePatch(set.spec?.template));
  const equal = sorted.findLast((revision) => canonical(revision.data) === wanted);
  if (!equal) return { action: 'create', revision: next };
  if (newest && sameData(newest, equal)) return { action: 'keep', update: newest };
  return { action: 'renumber', update: equal, revision: next };
}

/** The revisions beyond the history limit, oldest first; those in use do not count. */
export function revisionsToDelete(
  set: StatefulSet,
  revisions: readonly Stored<ControllerRevision>[],
  inUse: ReadonlySet<string>,
): Stored<ControllerRevision>[] {
  const limit = set.spec?.revisionHistoryLimit ?? 10;
  const history = sortRevisions(revisions).filter(({ metadata }) => !inUse.has(metadata.name));
  return limit < 0 || history.length <= limit ? [] : history.slice(0, history.length - limit);
}
