import {
  ANN_BIND_COMPLETED,
  ANN_BOUND_BY_CONTROLLER,
  LABEL_ZONE,
  type LabelSelector,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
} from '../../kube/index.ts';

// Objects for the tests of this folder, in the shape of upstream's newVolume and newClaim.

export interface VolumeFixture {
  readonly size?: string;
  readonly className?: string;
  readonly accessModes?: readonly string[];
  readonly phase?: string;
  readonly volumeMode?: string;
  readonly claim?: { readonly name: string; readonly uid?: string };
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly zone?: string;
  readonly policy?: string;
  readonly deleting?: boolean;
  readonly driver?: string;
  readonly attributesClass?: string;
  readonly boundByController?: boolean;
}

export function newVolume(name: string, fixture: VolumeFixture = {}): Stored<PersistentVolume> {
  const { claim } = fixture;
  const annotations = {
    ...fixture.annotations,
    ...(fixture.boundByController && { [ANN_BOUND_BY_CONTROLLER]: 'yes' }),
  };
  return prune({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: fixture.labels,
      annotations: Object.keys(annotations).length > 0 ? annotations : undefined,
      finalizers: fixture.finalizers,
      deletionTimestamp: fixture.deleting ? '2026-01-01T00:00:01Z' : undefined,
    },
    spec: {
      capacity: { storage: fixture.size ?? '1Gi' },
      accessModes: fixture.accessModes ?? ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: fixture.policy ?? 'Retain',
      storageClassName: fixture.className || undefined,
      volumeMode: fixture.volumeMode,
      volumeAttributesClassName: fixture.attributesClass,
      csi: fixture.driver && { driver: fixture.driver, volumeHandle: name },
      claimRef: claim && { name: claim.name, namespace: 'default', uid: claim.uid || undefined },
      nodeAffinity: fixture.zone && {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                {
                  key: fixture.zone.startsWith('z') ? 'zone' : LABEL_ZONE,
                  operator: 'In',
                  values: [fixture.zone],
                },
              ],
            },
          ],
        },
      },
    },
    status: { phase: fixture.phase ?? 'Available' },
  }) as Stored<PersistentVolume>;
}

export interface ClaimFixture {
  readonly size?: string;
  /** `null`: the field is absent, so that a default class may be set. */
  readonly className?: string | null;
  readonly accessModes?: readonly string[];
  readonly phase?: string;
  readonly volumeMode?: string;
  readonly volumeName?: string;
  readonly uid?: string;
  readonly selector?: LabelSelector;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly capacity?: string;
  readonly boundByController?: boolean;
  readonly bindCompleted?: boolean;
  readonly attributesClass?: string;
  /** The name of a VolumeSnapshot. */
  readonly dataSource?: string;
  /** What the status says. */
  readonly currentAttributesClass?: string;
}

export function newClaim(name: string, fixture: ClaimFixture = {}): Stored<PersistentVolumeClaim> {
  const annotations = {
    ...fixture.annotations,
    ...(fixture.boundByController && { [ANN_BOUND_BY_CONTROLLER]: 'yes' }),
    ...(fixture.bindCompleted && { [ANN_BIND_COMPLETED]: 'yes' }),
  };
  const accessModes = fixture.accessModes ?? ['ReadWriteOnce'];
  const phase = fixture.phase ?? 'Pending';
  const isBound = phase === 'Bound';
  return prune({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name,
      namespace: 'default',
      uid: fixture.uid ?? `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: Object.keys(annotations).length > 0 ? annotations : undefined,
    },
    spec: {
      accessModes,
      resources: { requests: { storage: fixture.size ?? '1Gi' } },
      storageClassName: fixture.className === null ? undefined : (fixture.className ?? ''),
      volumeMode: fixture.volumeMode,
      volumeName: fixture.volumeName,
      selector: fixture.selector,
      dataSource: fixture.dataSource && {
        apiGroup: 'snapshot.storage.k8s.io',
        kind: 'VolumeSnapshot',
        name: fixture.dataSource,
      },
      volumeAttributesClassName: fixture.attributesClass,
    },
    status: {
      phase,
      accessModes: isBound ? accessModes : undefined,
      currentVolumeAttributesClassName: fixture.currentAttributesClass,
      capacity: isBound ? { storage: fixture.capacity ?? fixture.size ?? '1Gi' } : undefined,
    },
  }) as Stored<PersistentVolumeClaim>;
}

/** As JSON has it: without what is undefined. */
export function prune<T>(object: T): T {
  return JSON.parse(JSON.stringify(object)) as T;
}
