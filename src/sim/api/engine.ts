import type { Engine, EngineRow, EngineWrite } from '../../apiserver/index.ts';
import type { Clock } from '../../base/index.ts';
import type { Dice } from '../dice.ts';

export interface DiskContent {
  readonly revision: number;
  readonly rows: readonly EngineRow[];
}

/** The disk of the simulated API server: what it holds survives the server. */
export class SimDisk {
  readonly #kept = new Map<string, EngineWrite | EngineRow>();
  #revision = 0;
  readonly #clock: Clock;
  readonly #dice: Dice;

  constructor(clock: Clock, dice: Dice, content?: DiskContent) {
    this.#clock = clock;
    this.#dice = dice;
    this.#revision = content?.revision ?? 0;
    for (const row of content?.rows ?? []) this.#kept.set(idOf(row), row);
  }

  get content(): DiskContent {
    return { revision: this.#revision, rows: [...this.#kept.values()].map(asRow) };
  }

  get revision(): number {
    return this.#revision;
  }

  /** The engine of one life of the server. With `dead` aborted, a commit under way is kept or lost and never answers. */
  engine(dead: AbortSignal): Engine {
    return {
      // Written and read as JSON only when a server starts on it: objects never change.
      load: () => this.content,
      commit: (batch) =>
        new Promise((resolve) => {
          this.#clock.after(this.#dice.delay(0.5), () => {
            if (dead.aborted && this.#dice.chance(0.5)) return;
            for (const write of batch.writes) {
              const id = idOf(write);
              if (write.deleted) this.#kept.delete(id);
              else this.#kept.set(id, write);
            }
            this.#revision = batch.revision;
            if (!dead.aborted) resolve();
          });
        }),
      close: () => Promise.resolve(),
    };
  }
}

function idOf({ table, key }: EngineRow | EngineWrite): string {
  return `${table}\u0000${key}`;
}

function asRow(kept: EngineWrite | EngineRow): EngineRow {
  const { table, key, revision, value } = kept;
  return { table, key, revision, value: value!, object: 'object' in kept ? kept.object : undefined };
}
