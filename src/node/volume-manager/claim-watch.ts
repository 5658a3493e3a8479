import type { Informers } from '../../client/index.ts';
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
} from '../../kube/index.ts';

export interface ClaimWatchListener {
  /** A claim or a volume has come or changed: what a pod waits for may be there. */
  appeared(): void;
  /** One has changed: a volume may have become larger. */
  changed(): void;
}

/** Listens to claims and volumes as long as a pod waits for one, or has one that may grow: they are many, and so are nodes. */
export class ClaimWatch {
  readonly #informers: Informers;
  readonly #listener: ClaimWatchListener;
  #stops: (() => void)[] = [];

  constructor(informers: Informers, listener: ClaimWatchListener) {
    this.#informers = informers;
    this.#listener = listener;
    // Asked for now, so that they run from the start.
    informers.of(persistentVolumes);
    informers.of(persistentVolumeClaims);
  }

  follow(wanted: boolean): void {
    if (wanted === this.#stops.length > 0) return;
    for (const stop of this.#stops) stop();
    this.#stops = [];
    if (!wanted) return;
    const { appeared, changed } = this.#listener;
    const updated = () => {
      appeared();
      changed();
    };
    this.#stops = [
      this.#informers.of<PersistentVolumeClaim>(persistentVolumeClaims).on({ added: appeared, updated }),
      this.#informers.of<PersistentVolume>(persistentVolumes).on({ added: appeared, updated }),
    ];
  }
}
