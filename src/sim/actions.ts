/** One thing that a user or an administrator does. */
export type Action =
  | { readonly do: 'claim'; readonly claim: string; readonly storageClass?: string; readonly modes: Modes }
  | ({ readonly do: 'static' } & StaticVolume)
  | ({ readonly do: 'pod' } & PodWish)
  | { readonly do: 'delete-pod'; readonly pod: string; readonly graceSeconds?: number }
  | { readonly do: 'delete-claim'; readonly claim: string }
  | { readonly do: 'delete-volume'; readonly claim: string }
  | ({ readonly do: 'stateful-set' } & SetWish)
  | { readonly do: 'scale'; readonly set: string; readonly replicas: number }
  | { readonly do: 'restart-set'; readonly set: string; readonly revision: number }
  | { readonly do: 'delete-set'; readonly set: string }
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

export interface StaticVolume {
  readonly claim: string;
  readonly modes: Modes;
  readonly kind: 'host' | 'network';
  readonly policy: 'Retain' | 'Delete';
  /** Who of the two names the other from the beginning. */
  readonly names: 'nobody' | 'claim' | 'volume' | 'both';
  readonly volumeFirst: boolean;
}

export interface PodWish {
  readonly pod: string;
  readonly claims: readonly string[];
  readonly extras: readonly Extra[];
  readonly node?: string;
}

export interface SetWish {
  readonly set: string;
  readonly replicas: number;
  readonly storageClass: string;
  readonly policy: 'Parallel' | 'OrderedReady';
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
