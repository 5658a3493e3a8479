import type { Container, NodeSelectorTerm, Pod, PodSpec, StatusCause, Stored } from '../../../kube/index.ts';
import { at, equal, forbiddenField, invalidValue, required } from '../validation/index.ts';
import { unifiedDiff } from '../validation/unified-diff.ts';
import { goForm, goFormOfPodSpec } from './go-form.ts';

const UPDATABLE =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/**
 * An update may change images, shorten the deadline, add tolerations, remove gates; binding sets nodeName through its
 * own subresource. Rules: Kubernetes 1.36, pkg/apis/core/validation ValidatePodUpdate.
 */
export function podUpdateCauses(next: Pod, previous: Stored<Pod>): StatusCause[] {
  const a = next.spec;
  const b = previous.spec;
  if (a === b || !a || !b) return [];
  const causes: StatusCause[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    const [after, before] = [a[list] ?? [], b[list] ?? []];
    if (after.length !== before.length) {
      return [...causes, forbiddenField(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
    causes.push(...imageCauses(after, `spec.${list}`));
  }
  const late = deadlineCauses(a.activeDeadlineSeconds, b.activeDeadlineSeconds);
  causes.push(...late);
  if (late.length > 0 && a.activeDeadlineSeconds !== undefined) return causes;
  const kept = (b.tolerations ?? []).every((old) =>
    (a.tolerations ?? []).some((one) => equal({ ...one, tolerationSeconds: old.tolerationSeconds }, old)),
  );
  if (!kept) {
    causes.push(
      forbiddenField(
        'spec.tolerations',
        'existing toleration can not be modified except its tolerationSeconds',
      ),
    );
  }
  causes.push(...gateCauses(a, b));
  const munged = mungedSpec(a, b, causes);
  if (!equal(munged, b)) {
    causes.push(
      forbiddenField(
        'spec',
        `pod updates may not change fields other than ${UPDATABLE}\n${unifiedDiff(goFormOfPodSpec(b), goFormOfPodSpec(munged))}`,
      ),
    );
  }
  return causes;
}

function imageCauses(containers: readonly Container[], path: string): StatusCause[] {
  return containers.flatMap(({ image = '' }, index) => {
    const here = `${at(path, index)}.image`;
    if (!image) return [required(here)];
    if (image.trim() === image) return [];
    return [invalidValue(here, image, 'must not have leading or trailing whitespace')];
  });
}

function deadlineCauses(next: number | undefined, previous: number | undefined): StatusCause[] {
  const path = 'spec.activeDeadlineSeconds';
  if (next === undefined) {
    if (previous === undefined) return [];
    return [invalidValue(path, null, 'must not update from a positive integer to nil value')];
  }
  if (next < 0 || next > 2 ** 31 - 1)
    return [invalidValue(path, next, 'must be between 0 and 2147483647, inclusive')];
  if (previous === undefined || previous >= next) return [];
  return [invalidValue(path, next, 'must be less than or equal to previous value')];
}

function gateCauses(next: PodSpec, previous: PodSpec): StatusCause[] {
  const known = new Set(previous.schedulingGates?.map((gate) => gate.name));
  const added = (next.schedulingGates ?? []).filter((gate) => !known.has(gate.name));
  return added.map((gate) =>
    forbiddenField(
      `spec.schedulingGates[${next.schedulingGates!.indexOf(gate)}].name`,
      `only deletion is allowed, but found new scheduling gate '${gate.name}'`,
    ),
  );
}

/** The new spec with what may differ taken from the old one. A pod that is gated may still be given nodes. */
function mungedSpec(next: PodSpec, previous: PodSpec, causes: StatusCause[]): PodSpec {
  const images = (list: readonly Container[] | undefined, from: readonly Container[] | undefined) =>
    list?.map((container, index) => ({ ...container, image: from?.[index]?.image }));
  const munged: PodSpec = {
    ...next,
    containers: images(next.containers, previous.containers)!,
    initContainers: images(next.initContainers, previous.initContainers),
    activeDeadlineSeconds: previous.activeDeadlineSeconds,
    tolerations: previous.tolerations,
    schedulingGates: previous.schedulingGates,
    terminationGracePeriodSeconds:
      (previous.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1
        ? previous.terminationGracePeriodSeconds
        : next.terminationGracePeriodSeconds,
  };
  if (!previous.schedulingGates?.length) return munged;
  causes.push(...gatedPlacementCauses(next, previous));
  const { nodeAffinity: _, ...others } = next.affinity ?? {};
  const before = previous.affinity?.nodeAffinity;
  const affinity = before ? { ...others, nodeAffinity: before } : others;
  // An affinity with nothing left in it is none, unless there was one.
  const isNone = Object.keys(affinity).length === 0 && !previous.affinity;
  return { ...munged, nodeSelector: previous.nodeSelector, affinity: isNone ? undefined : affinity };
}

/** What a gated pod asks of its node may become stricter. */
function gatedPlacementCauses(next: PodSpec, previous: PodSpec): StatusCause[] {
  const causes: StatusCause[] = [];
  const lost = Object.entries(previous.nodeSelector ?? {}).some(
    ([key, value]) => next.nodeSelector?.[key] !== value,
  );
  if (lost) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    causes.push(invalidValue('spec.nodeSelector', next.nodeSelector ?? null, why));
  }
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  const [after, before] = [requiredTerms(next), requiredTerms(previous)];
  if (before.length === 0) return causes;
  if (after.length !== before.length) {
    const why = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    const shown = after.length > 0 ? after.map((term) => goForm('NodeSelectorTerm', term)) : null;
    return [...causes, invalidValue(path, shown, why)];
  }
  for (const [index, term] of after.entries()) {
    if (isNarrower(term, before[index]!)) continue;
    const why = 'only additions are allowed (no mutations or deletions)';
    causes.push(invalidValue(at(path, index), goForm('NodeSelectorTerm', term), why));
  }
  return causes;
}

function requiredTerms({ affinity }: PodSpec): readonly NodeSelectorTerm[] {
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
}

/** A term that asked for nothing has to go on asking for nothing: it matches no node. */
function isNarrower(next: NodeSelectorTerm, previous: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  if (lists.every((list) => !previous[list]?.length)) return lists.every((list) => !next[list]?.length);
  return lists.every((list) => {
    const before = previous[list] ?? [];
    return equal((next[list] ?? []).slice(0, before.length), before);
  });
}
