import type { Clock } from '../../../base/index.ts';
import type { Informer } from '../../../client/index.ts';
import type { Stored, VolumeAttachment } from '../../../kube/index.ts';

export type AttachmentListener = (attachment: Stored<VolumeAttachment> | undefined) => void;

/** Tells those who wait for one VolumeAttachment of its changes: one handler of the informer for all of them. */
export class AttachmentWatch {
  readonly #informer: Informer<VolumeAttachment>;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<AttachmentListener>>();

  constructor(informer: Informer<VolumeAttachment>, clock: Clock) {
    this.#informer = informer;
    this.#clock = clock;
    const tell = (name: string, attachment: Stored<VolumeAttachment> | undefined) => {
      for (const listener of this.#listeners.get(name) ?? []) listener(attachment);
    };
    informer.on({
      added: (attachment) => tell(attachment.metadata.name, attachment),
      updated: (attachment) => tell(attachment.metadata.name, attachment),
      deleted: (attachment) => tell(attachment.metadata.name, undefined),
    });
  }

  get synced(): Promise<void> {
    return this.#informer.synced;
  }

  get(name: string): Stored<VolumeAttachment> | undefined {
    return this.#informer.get(name);
  }

  /**
   * Resolves once `done` returns true for the attachment (undefined: it was seen to go). `done` is asked about what is
   * known now and after each change; what it throws ends the wait, as do the time limit and the signal.
   */
  async until(
    name: string,
    done: (attachment: Stored<VolumeAttachment> | undefined) => boolean,
    limit: {
      readonly ms: number;
      readonly error: () => Error;
      readonly signal: AbortSignal;
      /** Asks the server when the cache knows nothing: it may be behind, or ahead. */
      readonly probe?: () => Promise<Stored<VolumeAttachment> | undefined>;
    },
  ): Promise<void> {
    const settled = Promise.withResolvers<void>();
    const listener: AttachmentListener = (attachment) => {
      try {
        if (done(attachment)) settled.resolve();
      } catch (error) {
        settled.reject(error);
      }
    };
    const aborted = () => settled.reject(limit.signal.reason);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    limit.signal.addEventListener('abort', aborted, { once: true });
    const timer = this.#clock.after(limit.ms, () => settled.reject(limit.error()));
    try {
      limit.signal.throwIfAborted();
      const known = this.#informer.get(name);
      if (known) listener(known);
      else limit.probe?.().then(listener, settled.reject);
      await settled.promise;
    } finally {
      timer.cancel();
      limit.signal.removeEventListener('abort', aborted);
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    }
  }
}
