import type { KubeObject, PersistentVolumeClaim, Resource, StorageClass, Stored } from '../../kube/index.ts';

/** Fills volumes by a pod, which ends well when it has. */
export interface PodPopulation {
  /** The image that it runs in. */
  readonly image: string;
  /** @default what the image runs */
  readonly command?: readonly string[];
  /** Where it has a file system that is to be filled. */
  readonly mountPath: string;
  /** Where it has a block device that is to be filled. */
  readonly devicePath: string;
  /** What it is told, for an object that the volume is to be filled from. */
  args(rawBlock: boolean, source: Stored<KubeObject>): readonly string[] | Promise<readonly string[]>;
}

/** What the functions of a provider get. */
export interface PopulationParameters {
  /** Whose volume is to be filled. */
  readonly claim: Stored<PersistentVolumeClaim>;
  /** The claim that has the volume meanwhile; none any more at a clean-up that is called again. */
  readonly prime: Stored<PersistentVolumeClaim> | undefined;
  /** Undefined when the claim names none, or at the clean-up when it is gone. */
  readonly class: Stored<StorageClass> | undefined;
  /** Undefined at the clean-up when it is gone. */
  readonly source: Stored<KubeObject> | undefined;
}

/** Fills volumes by other means than a pod. All may be called again for the same claim. */
export interface FunctionPopulation {
  /** Begins, once the prime claim is bound. */
  populate?(parameters: PopulationParameters): Promise<void>;
  /** Whether the volume is filled; asked again with back-off. @default at once */
  isComplete?(parameters: PopulationParameters): Promise<boolean>;
  /** Takes away what the others have made: when the claim has its volume, or is deleted before. */
  cleanUp?(parameters: PopulationParameters): Promise<void>;
}

export interface PopulatorOptions {
  /** Where prime claims and pods are. Claims in it are never filled. */
  readonly namespace: string;
  /** A domain of the populator's own, for its finalizer, its annotation and its events. */
  readonly prefix: string;
  /** The kind of the objects that volumes are filled from. */
  readonly source: Resource;
  /** How: by a pod, or by functions. */
  readonly by: { readonly pod: PodPopulation } | { readonly functions: FunctionPopulation };
  /** Changes the prime claim before it is made. @default as the claim has it */
  mutatePrime?(
    prime: PersistentVolumeClaim,
    storageClass: Stored<StorageClass> | undefined,
  ): PersistentVolumeClaim | Promise<PersistentVolumeClaim>;
  /** Whether objects of other namespaces may be named, where a ReferenceGrant allows it. @default false */
  readonly crossNamespace?: boolean;
}

/** The names that a populator gives. Source: populator-machinery of lib-volume-populator. */
export const namesOf = (prefix: string) => ({
  finalizer: `${prefix}/populate-target-protection`,
  populatedFrom: `${prefix}/populated-from`,
  component: `${prefix}-populator`,
});

const PRIME = 'prime-';
const POD = 'populate-';

export const primeName = (uid: string): string => `${PRIME}${uid}`;
export const podName = (uid: string): string => `${POD}${uid}`;

/** The uid of the claim that a prime claim or a pod is there for; undefined when it is neither. */
export function uidOf(name: string): string | undefined {
  const prefix = [PRIME, POD].find((one) => name.startsWith(one));
  return prefix === undefined ? undefined : name.slice(prefix.length);
}
