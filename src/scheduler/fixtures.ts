import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  StorageClass,
  Stored,
  Taint,
} from '../kube/index.ts';
import { NodeInfo } from './node-info.ts';
import { type PodInfo, podInfo } from './pod-info.ts';

// Objects for the tests of this folder.

type Labels = Readonly<Record<string, string>>;
type Amounts = Readonly<Record<string, string>>;

export function stored<T extends object>(
  kind: string,
  name: string,
  object: T,
  namespace?: string,
): Stored<T> {
  const { metadata, ...rest } = object as { metadata?: object };
  return {
    apiVersion: 'v1',
    kind,
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    ...rest,
  } as unknown as Stored<T>;
}

export interface NodeFixture {
  readonly labels?: Labels;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  readonly allocatable?: Amounts;
}

export function newNode(name: string, fixture: NodeFixture = {}): Stored<Node> {
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '10Gi' };
  return stored<Node>('Node', name, {
    metadata: { labels: { 'kubernetes.io/hostname': name, ...fixture.labels } },
    spec: { taints: fixture.taints, unschedulable: fixture.unschedulable },
    status: { allocatable: { ...allocatable, ...fixture.allocatable } },
  });
}

export interface PodFixture extends Partial<Omit<PodSpec, 'containers'>> {
  readonly requests?: Amounts;
  /** Names of claims in the pod's volumes. */
  readonly claims?: readonly string[];
  readonly ports?: readonly {
    readonly hostPort: number;
    readonly hostIP?: string;
    readonly protocol?: string;
  }[];
  readonly labels?: Labels;
  readonly phase?: string;
}

export function newPod(name: string, fixture: PodFixture = {}): Stored<Pod> {
  const { requests, claims = [], ports, labels, phase, volumes = [], ...spec } = fixture;
  return stored<Pod>(
    'Pod',
    name,
    {
      metadata: { labels },
      spec: {
        schedulerName: 'default-scheduler',
        containers: [
          {
            name: 'main',
            image: 'busybox',
            resources: { requests },
            ports: ports?.map((port) => ({ containerPort: port.hostPort, ...port })),
          },
        ],
        volumes: [
          ...volumes,
          ...claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
        ],
        ...spec,
      },
      status: phase ? { phase } : undefined,
    },
    'default',
  );
}

export const newPodInfo = (name: string, fixture?: PodFixture): PodInfo => podInfo(newPod(name, fixture));

/** A node with pods on it. */
export function newNodeInfo(name: string, fixture?: NodeFixture, pods: readonly PodInfo[] = []): NodeInfo {
  const info = new NodeInfo(name);
  info.setNode(newNode(name, fixture));
  for (const pod of pods) info.add(pod);
  return info;
}

export interface VolumeFixture {
  readonly size?: string;
  readonly className?: string;
  readonly accessModes?: readonly string[];
  readonly volumeMode?: string;
  readonly phase?: string;
  readonly labels?: Labels;
  /** The node label that the volume's affinity wants. */
  readonly reach?: readonly [label: string, ...values: string[]];
  readonly claim?: { readonly name: string; readonly uid?: string };
  readonly driver?: string;
}

export function newVolume(name: string, fixture: VolumeFixture = {}): Stored<PersistentVolume> {
  const [key, ...values] = fixture.reach ?? [];
  return stored<PersistentVolume>('PersistentVolume', name, {
    metadata: { labels: fixture.labels },
    spec: {
      capacity: { storage: fixture.size ?? '1Gi' },
      accessModes: fixture.accessModes ?? ['ReadWriteOnce'],
      volumeMode: fixture.volumeMode,
      storageClassName: fixture.className ?? 'late',
      persistentVolumeReclaimPolicy: 'Retain',
      ...(fixture.driver
        ? { csi: { driver: fixture.driver, volumeHandle: name } }
        : { hostPath: { path: `/tmp/${name}` } }),
      claimRef: fixture.claim && { namespace: 'default', ...fixture.claim },
      nodeAffinity: key
        ? { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values }] }] } }
        : undefined,
    },
    status: { phase: fixture.phase ?? 'Available' },
  });
}

export interface ClaimFixture {
  readonly size?: string;
  readonly className?: string;
  readonly accessModes?: readonly string[];
  readonly volumeMode?: string;
  readonly selector?: Labels;
  /** Fully bound to it. */
  readonly boundTo?: string;
  readonly annotations?: Labels;
  readonly phase?: string;
}

export function newClaim(name: string, fixture: ClaimFixture = {}): Stored<PersistentVolumeClaim> {
  const completed = fixture.boundTo && { 'pv.kubernetes.io/bind-completed': 'yes' };
  return stored<PersistentVolumeClaim>(
    'PersistentVolumeClaim',
    name,
    {
      metadata: { annotations: { ...completed, ...fixture.annotations } },
      spec: {
        accessModes: fixture.accessModes ?? ['ReadWriteOnce'],
        volumeMode: fixture.volumeMode,
        storageClassName: fixture.className ?? 'late',
        resources: { requests: { storage: fixture.size ?? '1Gi' } },
        selector: fixture.selector && { matchLabels: fixture.selector },
        volumeName: fixture.boundTo,
      },
      status: { phase: fixture.phase ?? (fixture.boundTo ? 'Bound' : 'Pending') },
    },
    'default',
  );
}

export function newClass(name: string, fixture: Partial<StorageClass> = {}): Stored<StorageClass> {
  return stored<StorageClass>('StorageClass', name, {
    provisioner: 'disk.example.com',
    volumeBindingMode: 'WaitForFirstConsumer',
    ...fixture,
  });
}
