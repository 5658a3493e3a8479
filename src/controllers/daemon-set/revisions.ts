import {
  type ControllerRevision,
  controllerReference,
  type DaemonSet,
  LABEL_CONTROLLER_REVISION_HASH,
  type Pod,
  type Stored,
} from '../../kube/index.ts';
import { canonical, safeHash, templatePatch } from '../workload/index.ts';

type Revision = Stored<ControllerRevision>;

export function hashOf({ metadata }: ControllerRevision): string {
  return metadata?.labels?.[LABEL_CONTROLLER_REVISION_HASH] ?? '';
}

export interface History {
  /** The revisions with the set's template as it is now, the newest last. */
  readonly current: readonly Revision[];
  readonly old: readonly Revision[];
  /** The number that the current one should have at least. */
  readonly number: number;
}

export function historyOf(set: DaemonSet, revisions: readonly Revision[]): History {
  const wanted = canonical(templatePatch(set.spec?.template));
  const isCurrent = ({ data }: Revision) => canonical(data) === wanted;
  const old = revisions.filter((revision) => !isCurrent(revision));
  return {
    current: revisions.filter(isCurrent).sort((a, b) => a.revision - b.revision),
    old,
    number: Math.max(0, ...old.map(({ revision }) => revision)) + 1,
  };
}

export function newRevision(
  set: Stored<DaemonSet>,
  revision: number,
): ControllerRevision & { metadata: { name: string } } {
  const { name, namespace, annotations } = set.metadata;
  const template = set.spec?.template;
  const hash = safeHash(canonical(template) + (set.status?.collisionCount ?? 0));
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...template?.metadata?.labels, [LABEL_CONTROLLER_REVISION_HASH]: hash },
      annotations,
      ownerReferences: [controllerReference(set)],
    },
    data: templatePatch(template),
    revision,
  };
}

/** Old revisions beyond the limit, the lowest first; those that pods are still of stay, and do not count less for it. */
export function revisionsToDelete(
  set: DaemonSet,
  old: readonly Revision[],
  pods: readonly Pod[],
): Revision[] {
  const surplus = old.length - (set.spec?.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return [];
  const live = new Set(pods.map(({ metadata }) => metadata?.labels?.[LABEL_CONTROLLER_REVISION_HASH]));
  return [...old]
    .sort((a, b) => a.revision - b.revision)
    .filter((revision) => !live.has(hashOf(revision)))
    .slice(0, surplus);
}
