import type { Engine, EngineRow } from '../../apiserver/index.ts';
import type { Clock } from '../../base/index.ts';
import type { Dice } from '../dice.ts';

/** The disk of the simulated API server: what it holds survives the server. */
export class SimDisk {
  readonly #rows = new Map<string, EngineRow>();
  #revision = 0;
  readonly #clock: Clock;
  readonly #dice: Dice;

  constructor(clock: Clock, dice: Dice) {
    this.#clock = clock;
    this.#dice = dice;
  }

  get revision(): number {
    return this.#revision;
  }

  /** The engine of one life of the server. With `dead` aborted, a commit under way is kept or lost and never answers. */
  engine(dead: AbortSignal): Engine {
    return {
      load: () => ({ revision: this.#revision, rows: [...this.#rows.values()] }),
      commit: (batch) =>
        new Promise((resolve) => {
          this.#clock.after(this.#dice.delay(0.5), () => {
            if (dead.aborted && this.#dice.chance(0.5)) return;
            for (const { table, key, revision, value } of batch.writes) {
              const id = `${table}\u0000${key}`;
              if (value) this.#rows.set(id, { table, key, revision, value });
              else this.#rows.delete(id);
            }
            this.#revision = batch.revision;
            if (!dead.aborted) resolve();
          });
        }),
      close: () => Promise.resolve(),
    };
  }
}
