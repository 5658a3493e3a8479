import {
  controllerReference,
  LABEL_CONTROLLER_REVISION_HASH,
  LABEL_POD_INDEX,
  LABEL_STATEFULSET_POD_NAME,
  type PersistentVolumeClaim,
  type Pod,
  type StatefulSet,
  type StatefulSetSpec,
  type Stored,
} from '../../kube/index.ts';

const NAME_AND_ORDINAL = /^(.*)-([0-9]+)$/;

/** The set's name and the ordinal that a pod's name says; undefined for other names. */
function parsePodName(name: string): { setName: string; ordinal: number } | undefined {
  const match = NAME_AND_ORDINAL.exec(name);
  const ordinal = Number(match?.[2]);
  return match && ordinal < 2 ** 31 ? { setName: match[1]!, ordinal } : undefined;
}

/** -1 when the name has none. */
export function ordinalOf(pod: Pod): number {
  return parsePodName(pod.metadata?.name ?? '')?.ordinal ?? -1;
}

export function isMemberOf(set: Stored<StatefulSet>, pod: Stored<Pod>): boolean {
  return parsePodName(pod.metadata.name)?.setName === set.metadata.name;
}

function podName(set: Stored<StatefulSet>, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** `TEMPLATE-SET-N` */
function claimName(set: Stored<StatefulSet>, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata?.name}-${set.metadata.name}-${ordinal}`;
}

export function replicasOf(set: StatefulSet): number {
  return set.spec?.replicas ?? 1;
}

export function startOrdinal(set: StatefulSet): number {
  return set.spec?.ordinals?.start ?? 0;
}

export function isInOrdinalRange(set: StatefulSet, ordinal: number): boolean {
  return ordinal >= startOrdinal(set) && ordinal < startOrdinal(set) + replicasOf(set);
}

/** The claims that the set's templates make for an ordinal, without owners, in the templates' order. */
export function claimsFor(set: Stored<StatefulSet>, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...template.metadata?.labels, ...set.spec?.selector.matchLabels },
      annotations: template.metadata?.annotations,
      finalizers: template.metadata?.finalizers,
    },
    spec: template.spec,
  }));
}

/** Whether pod and labels say the same name. */
export function identityMatches(set: Stored<StatefulSet>, pod: Pod): boolean {
  const ordinal = ordinalOf(pod);
  return (
    ordinal >= 0 &&
    pod.metadata?.name === podName(set, ordinal) &&
    pod.metadata.namespace === set.metadata.namespace &&
    pod.metadata.labels?.[LABEL_STATEFULSET_POD_NAME] === pod.metadata.name
  );
}

/** Whether the pod's volumes are the claims of its ordinal. */
export function storageMatches(set: Stored<StatefulSet>, pod: Pod): boolean {
  const ordinal = ordinalOf(pod);
  return (set.spec?.volumeClaimTemplates ?? []).every((template) => {
    const volume = pod.spec?.volumes?.find(({ name }) => name === template.metadata?.name);
    return volume?.persistentVolumeClaim?.claimName === claimName(set, template, ordinal);
  });
}

/** The pod with the labels of its identity and the claims of its ordinal; claims replace volumes of the same name. */
export function withIdentity<T extends Pod>(set: Stored<StatefulSet>, pod: T, ordinal: number): T {
  const name = podName(set, ordinal);
  const templates = set.spec?.volumeClaimTemplates ?? [];
  const claimed = new Set(templates.map((template) => template.metadata?.name));
  const volumes = [
    ...templates.map((template) => ({
      name: template.metadata?.name ?? '',
      persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
    })),
    ...(pod.spec?.volumes ?? []).filter((volume) => !claimed.has(volume.name)),
  ];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name,
      namespace: set.metadata.namespace,
      labels: {
        ...pod.metadata?.labels,
        [LABEL_STATEFULSET_POD_NAME]: name,
        [LABEL_POD_INDEX]: String(ordinal),
      },
    },
    spec: { ...pod.spec, volumes: volumes.length > 0 ? volumes : undefined },
  };
}

/** The pod of an ordinal, made from `template` at the revision of this name. */
export function newPod(
  set: Stored<StatefulSet>,
  template: StatefulSetSpec['template'],
  revisionName: string,
  ordinal: number,
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      labels: { ...labels, [LABEL_CONTROLLER_REVISION_HASH]: revisionName },
      annotations,
      finalizers,
      ownerReferences: [controllerReference(set)],
    },
    spec: {
      ...template.spec!,
      // Immutable, so set at the creation only.
      hostname: podName(set, ordinal),
      subdomain: set.spec?.serviceName || undefined,
    },
  };
  return withIdentity(set, pod, ordinal);
}
