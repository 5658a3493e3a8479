import { backoffDelay, errorMessage } from '../../base/index.ts';
import type { ComponentContext } from '../../client/index.ts';
import {
  ANN_SELECTED_NODE,
  isConflict,
  keyOf,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  type StorageClass,
  type Stored,
  withAnnotations,
} from '../../kube/index.ts';
import { ProvisionError } from './provision-error.ts';
import { selectedNodeOf } from './selected-node.ts';

type Claim = Stored<PersistentVolumeClaim>;

/** How the provisioners of a driver's nodes share the work (--node-deployment). */
export interface NodeDeployment {
  /** NODE_NAME: where this one runs. */
  readonly nodeName: string;
  /** Claims that no scheduler gives a node go to who takes them first. @default true */
  readonly immediateBinding?: boolean;
  /** The wait before it takes one is up to so long. @default 20000 */
  readonly baseDelayMs?: number;
  /** And so long when that failed again and again. @default 60000 */
  readonly maxDelayMs?: number;
}

export interface NodeArbiterOptions {
  readonly deployment: Required<NodeDeployment>;
  /** Whether the class allows volumes on this node. */
  isAllowedHere(claim: Claim, storageClass: StorageClass): boolean;
  /** Whether the driver has room for the volume here. */
  hasRoom(claim: Claim, storageClass: StorageClass, signal: AbortSignal): Promise<boolean>;
}

/** A claim that this node may take, later. */
interface Attempt {
  readonly failures: number;
  readonly atMs: number;
}

/** Who makes a claim's volume: this provisioner, or one of another node; a number: look again after so many milliseconds. */
export type Verdict = 'ours' | 'others' | number;

/**
 * Decides which of the provisioners that run on a driver's nodes makes the volume of a claim: that of the selected node.
 * Where a claim binds at once nobody has selected one; whoever first writes his own name does. All wait for a time by
 * chance before they try, so that mostly one only does. Source: checkNode and becomeOwner of external-provisioner.
 */
export class NodeArbiter {
  readonly #context: ComponentContext;
  readonly #options: NodeArbiterOptions;
  readonly #attempts = new Map<string, Attempt>();

  constructor(context: ComponentContext, options: NodeArbiterOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** @throws ProvisionError when this node could not be written into the claim. */
  async decide(claim: Claim, storageClass: StorageClass, signal: AbortSignal): Promise<Verdict> {
    const { uid } = claim.metadata;
    const { nodeName, immediateBinding } = this.#options.deployment;
    const selected = selectedNodeOf(claim);
    if (selected !== '') {
      // Should it be given up again, all begin anew.
      this.forget(uid);
      return selected === nodeName ? 'ours' : 'others';
    }
    if (storageClass.volumeBindingMode !== 'Immediate' || !immediateBinding) return 'others';
    if (!this.#options.isAllowedHere(claim, storageClass)) return 'others';
    const attempt = this.#attempts.get(uid);
    if (!attempt) return this.#waitAfter(uid, 0);
    const remainingMs = attempt.atMs - this.#context.clock.monotonic();
    if (remainingMs > 0) return remainingMs;
    // As late as possible: it is a call to the driver, and somebody else may have taken the claim by now.
    if (!(await this.#hasRoom(claim, storageClass, signal)))
      return this.#waitAfter(uid, attempt.failures + 1);
    return this.#take(claim, attempt);
  }

  forget(uid: string): void {
    this.#attempts.delete(uid);
  }

  async #take(claim: Claim, { failures }: Attempt): Promise<Verdict> {
    const { uid } = claim.metadata;
    const { nodeName } = this.#options.deployment;
    try {
      await this.#context.client.update(
        persistentVolumeClaims,
        withAnnotations(claim, { [ANN_SELECTED_NODE]: nodeName }),
      );
    } catch (error) {
      const againMs = this.#waitAfter(uid, failures + 1);
      // Somebody was faster, or it has changed otherwise.
      if (isConflict(error)) return againMs;
      throw new ProvisionError(
        'no-change',
        `node check failed: PVC ${keyOf(claim)}: selecting node ${JSON.stringify(nodeName)} for PVC failed: ${errorMessage(error)}`,
        { cause: error },
      );
    }
    this.forget(uid);
    // Its change brings the claim back.
    return 'others';
  }

  /** A failure of the question is no answer: then making the volume fails as well, and tells the user why. */
  async #hasRoom(claim: Claim, storageClass: StorageClass, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#options.hasRoom(claim, storageClass, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#context.log.info('the capacity check failed; the claim is taken all the same', {
        claim: keyOf(claim),
        error: errorMessage(error),
      });
      return true;
    }
  }

  #waitAfter(uid: string, failures: number): number {
    const { clock, random } = this.#context;
    const waitMs = takingDelay(this.#options.deployment, failures, random.next());
    this.#attempts.set(uid, { failures, atMs: clock.monotonic() + waitMs });
    return waitMs;
  }
}

/** A back-off, less a part of the base by chance. Source: rateLimiterWithJitter. */
export function takingDelay(
  { baseDelayMs, maxDelayMs }: Pick<Required<NodeDeployment>, 'baseDelayMs' | 'maxDelayMs'>,
  failures: number,
  chance: number,
): number {
  const delayMs = backoffDelay({ initialMs: baseDelayMs, maxMs: maxDelayMs }, failures + 1);
  return Math.max(0, delayMs - baseDelayMs * chance);
}
