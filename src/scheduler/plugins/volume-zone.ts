import type { Lister } from '../../client/index.ts';
import {
  claimClass,
  LABEL_REGION,
  LABEL_ZONE,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
} from '../../kube/index.ts';
import { ADD, interest, sameJson, UPDATE, UPDATE_NODE_LABEL } from '../cluster-events.ts';
import { stateKey } from '../cycle-state.ts';
import type { Plugin } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { type Rejection, SKIP, unresolvable } from '../status.ts';

const MISMATCH = unresolvable('node(s) had no available volume zone');

/** The labels of volumes and nodes that count, each with the stable name of its legacy form. */
const STABLE_LABEL: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': LABEL_ZONE,
  'failure-domain.beta.kubernetes.io/region': LABEL_REGION,
  [LABEL_ZONE]: LABEL_ZONE,
  [LABEL_REGION]: LABEL_REGION,
};
const LABELS = Object.keys(STABLE_LABEL);

interface ZoneConstraint {
  readonly label: string;
  readonly values: readonly string[];
}

const constraints = stateKey<readonly ZoneConstraint[]>('VolumeZone');

/** A node that has zone or region labels must match those of the pod's bound volumes. */
export function volumeZone(options: {
  claims: Lister<Stored<PersistentVolumeClaim>>;
  volumes: Lister<Stored<PersistentVolume>>;
  classes: Lister<Stored<StorageClass>>;
}): Plugin {
  return {
    name: 'VolumeZone',
    interests: [
      interest(
        'StorageClass',
        ADD,
        (_pod, _before, added) => added?.volumeBindingMode === 'WaitForFirstConsumer',
      ),
      interest('Node', ADD | UPDATE_NODE_LABEL),
      interest('PersistentVolumeClaim', ADD | UPDATE, (pod, _before, claim) =>
        pod.claims.some(
          ({ key, ephemeral }) =>
            !ephemeral && key === `${claim?.metadata.namespace}/${claim?.metadata.name}`,
        ),
      ),
      interest(
        'PersistentVolume',
        ADD | UPDATE,
        (_pod, before, after) =>
          before === undefined ||
          (after !== undefined && !sameJson(zoneConstraints(before), zoneConstraints(after))),
      ),
    ],
    preFilter(state, pod) {
      const found = collect(pod);
      if ('code' in found) return found;
      if (found.length === 0) return SKIP;
      state.write(constraints, found);
      return undefined;
    },
    filter(state, _pod, node) {
      const labels = node.labels;
      // A node without any of these labels is in a cluster of one zone.
      if (!LABELS.some((label) => label in labels)) return undefined;
      for (const { label, values } of state.read(constraints) ?? []) {
        const value = labels[label] ?? labels[STABLE_LABEL[label]!];
        if (value === undefined || !values.includes(value)) return MISMATCH;
      }
      return undefined;
    },
  };

  function collect(pod: PodInfo): readonly ZoneConstraint[] | Rejection {
    const found: ZoneConstraint[] = [];
    for (const { key, name, ephemeral } of pod.claims) {
      if (ephemeral) continue;
      const claim = options.claims.byKey(key);
      if (!claim) return unresolvable(`persistentvolumeclaim "${name}" not found`);
      const volumeName = claim.spec?.volumeName;
      if (!volumeName) {
        const refusal = unbound(claim);
        if (refusal) return refusal;
        continue;
      }
      const volume = options.volumes.byKey(volumeName);
      if (!volume) return unresolvable(`persistentvolume "${volumeName}" not found`);
      found.push(...zoneConstraints(volume));
    }
    return found;
  }

  /** A claim that will be bound for the node is no constraint; any other should have been bound by now. */
  function unbound(claim: PersistentVolumeClaim): Rejection | undefined {
    const className = claimClass(claim);
    if (className === '') {
      return unresolvable('PersistentVolumeClaim had no pv name and storageClass name');
    }
    const storageClass = options.classes.byKey(className);
    if (!storageClass) return unresolvable(`storageclass.storage.k8s.io "${className}" not found`);
    if (storageClass.volumeBindingMode === undefined) {
      return unresolvable(`VolumeBindingMode not set for StorageClass "${className}"`);
    }
    if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') return undefined;
    return unresolvable('PersistentVolume had no name');
  }
}

/** The zone and region labels of a volume; `a__b` stands for a or b, and a label with an empty part is ignored. */
function zoneConstraints(volume: PersistentVolume): readonly ZoneConstraint[] {
  const found: ZoneConstraint[] = [];
  for (const label of LABELS) {
    const values = volume.metadata?.labels?.[label]?.split('__').map((value) => value.trim());
    if (values && !values.includes('')) found.push({ label, values });
  }
  return found;
}
