import type { DeletionPolicy } from '../kube/index.ts';
import type { FlexKind } from './flex/programs.ts';

/** One thing that a user or an administrator does. */
export type Action =
  | ({ readonly do: 'claim' } & ClaimWish)
  | { readonly do: 'namespace'; readonly namespace: string }
  /** With all that is in it. */
  | { readonly do: 'delete-namespace'; readonly namespace: string }
  | ({ readonly do: 'static' } & StaticVolume)
  /** A directory of the node becomes a volume. */
  | { readonly do: 'local'; readonly volume: string; readonly node: string }
  | ({ readonly do: 'pod' } & PodWish)
  | { readonly do: 'delete-pod'; readonly pod: string; readonly graceSeconds?: number }
  | { readonly do: 'delete-claim'; readonly claim: string }
  | { readonly do: 'delete-volume'; readonly claim: string }
  /** It asks for so much, a quantity. */
  | { readonly do: 'grow'; readonly claim: string; readonly storage: string }
  /** It asks for another class of attributes. */
  | { readonly do: 'modify'; readonly claim: string; readonly attributes: string }
  /** A class of attributes is deleted, whoever has it. */
  | { readonly do: 'delete-attributes'; readonly attributes: string }
  | ({ readonly do: 'snapshot' } & SnapshotWish)
  | { readonly do: 'delete-snapshot'; readonly snapshot: string }
  | ({ readonly do: 'group-snapshot' } & GroupSnapshotWish)
  | { readonly do: 'delete-group-snapshot'; readonly snapshot: string }
  /** A copy of what a group snapshot has of a claim. */
  | { readonly do: 'restore-member'; readonly member: GroupMember; readonly wish: ClaimWish }
  /** By the eviction API, which asks the disruption budgets. */
  | { readonly do: 'evict'; readonly pod: string }
  | ({ readonly do: 'workload' } & WorkloadWish)
  | ({ readonly do: 'scale'; readonly replicas: number } & WorkloadName)
  | ({ readonly do: 'restart'; readonly revision: number } & WorkloadName)
  | ({ readonly do: 'delete-workload' } & WorkloadName)
  | ({ readonly do: 'replace-class' } & ClassWish)
  | { readonly do: 'default-class'; readonly storageClass?: string }
  /** An administrator may say after `helpMs` that the node is out of service, and takes that back when it is up. */
  | { readonly do: 'power-off'; readonly node: string; readonly forMs: number; readonly helpMs?: number }
  /** The machine never comes back; after `helpMs` an administrator deletes the node. */
  | { readonly do: 'lose'; readonly node: string; readonly helpMs: number }
  /** After `helpMs` somebody may delete the node's pods by force: nobody asks the node. */
  | { readonly do: 'cut-off'; readonly node: string; readonly forMs: number; readonly helpMs?: number };

/** A volume of a pod beside its claims. */
export type Extra = 'empty' | 'memory' | 'config' | 'secret';
export type Modes = readonly string[];

/** Something that is made in a namespace. */
interface Placed {
  /** @default the one that is always there */
  readonly namespace?: string;
}

export interface ClaimWish extends Placed {
  readonly claim: string;
  /** @default the default one, when there is one */
  readonly storageClass?: string;
  readonly modes: Modes;
  /** A raw block device is wanted. */
  readonly block?: boolean;
  /** The class of its attributes. */
  readonly attributes?: string;
  /** What its volume is to be a copy of. */
  readonly source?: { readonly kind: 'VolumeSnapshot' | 'PersistentVolumeClaim'; readonly name: string };
  /** It is one of those that are snapshotted together. */
  readonly grouped?: boolean;
}

export interface SnapshotWish {
  readonly snapshot: string;
  readonly claim: string;
  /** What becomes of it with its object. */
  readonly policy: DeletionPolicy;
}

/** Of all claims that are grouped. */
export interface GroupSnapshotWish {
  readonly snapshot: string;
  readonly policy: DeletionPolicy;
}

export interface GroupMember {
  readonly snapshot: string;
  /** The claim that it is of. */
  readonly of: string;
}

export interface StaticVolume {
  readonly claim: string;
  readonly modes: Modes;
  readonly kind: 'host' | 'network' | `flex-${FlexKind}`;
  readonly policy: 'Retain' | 'Delete' | 'Recycle';
  /** Who of the two names the other from the beginning. */
  readonly names: 'nobody' | 'claim' | 'volume' | 'both';
  readonly volumeFirst: boolean;
}

export interface PodWish extends Placed {
  readonly pod: string;
  readonly claims: readonly string[];
  readonly extras: readonly Extra[];
  readonly node?: string;
  /** The class of a generic ephemeral volume beside. */
  readonly scratch?: string;
  /** Those of its claims that are for raw block devices. */
  readonly blocks?: readonly string[];
}

export type WorkloadKind = 'StatefulSet' | 'Deployment' | 'DaemonSet' | 'Job';

export interface WorkloadName {
  readonly kind: WorkloadKind;
  readonly name: string;
}

export interface WorkloadWish extends WorkloadName, Placed {
  /** Pods; of a job those that are to succeed. A DaemonSet has one a node. */
  readonly replicas: number;
  /** One after the other: OrderedReady, Recreate. */
  readonly ordered: boolean;
  /** Of the volume that each of its pods has for itself. */
  readonly storageClass?: string;
  /** That all its pods share. */
  readonly claim?: string;
  /** It is to keep going while pods are evicted. */
  readonly budget: boolean;
}

export interface ClassWish {
  readonly storageClass: string;
  readonly reclaimPolicy: string;
  readonly volumeBindingMode: string;
  readonly tier?: string;
  readonly restricted: boolean;
}

/** When, in virtual milliseconds since the workload began. */
export interface Step {
  readonly atMs: number;
  readonly action: Action;
}
