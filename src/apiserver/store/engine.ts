import type { Readable } from 'node:stream';
import type { KubeObject, Stored } from '../../kube/index.ts';

/** One object's new state in a batch. */
export interface EngineWrite {
  /** Which resource, e.g. 'statefulsets.apps'. */
  readonly table: string;
  /** `namespace/name` or `name`. */
  readonly key: string;
  readonly revision: number;
  /** The object is gone. */
  readonly deleted: boolean;
  /** UTF-8 JSON, made when it is read; undefined for a deletion. */
  readonly value: Buffer | undefined;
}

export interface EngineBatch {
  /** The revision of the batch's last write. */
  readonly revision: number;
  readonly writes: readonly EngineWrite[];
}

export interface EngineRow {
  readonly table: string;
  readonly key: string;
  readonly revision: number;
  readonly value: Buffer;
  /** What `value` says, frozen, from an engine that has it: nobody parses it again. */
  readonly object?: Stored<KubeObject>;
}

/** What makes writes durable. Batches arrive one at a time, in order. */
export interface Engine {
  /** The state that the last run left. */
  load(): { readonly revision: number; readonly rows: Iterable<EngineRow> };
  /**
   * Resolves once the whole batch would survive a power cut. Rejects with StorageFullError when the disk has no room
   * and nothing of the batch was kept; with anything else when it is unknown what was kept: then the engine is dead.
   */
  commit(batch: EngineBatch): Promise<void>;
  /** Leaves nothing on disk of what was overwritten or deleted. Takes as long as a copy of everything. */
  scrub?(): Promise<void>;
  /** All that is durable, as the bytes of a database file of its own; commits go on meanwhile. */
  snapshot?(): Promise<Readable>;
  close(): Promise<void>;
}

/** The disk is full; the batch was not kept and what was there before is untouched. */
export class StorageFullError extends Error {
  override name = 'StorageFullError';
}

/** Another process works on the data directory. */
export class DataDirInUseError extends Error {
  override name = 'DataDirInUseError';
  readonly dataDir: string;
  /** Of the process that holds it, when it could be told. */
  readonly pid: number | undefined;

  constructor(dataDir: string, pid: number | undefined) {
    super(
      `data directory ${dataDir} is in use by another instance${pid === undefined ? '' : ` (pid ${pid})`}; ` +
        'stop that one or choose another --data-dir',
    );
    this.dataDir = dataDir;
    this.pid = pid;
  }
}
