import type { Engine, EngineRow, EngineWrite } from '../engine.ts';
import { type Encryption, ruleFor } from './config.ts';
import { EncryptionKeyError, isEncrypted, keyNameOf, plain, type Transformer } from './transformer.ts';

export interface EncryptingEngine extends Engine {
  /**
   * Writes what was not kept as it is to be kept now (another key, or plain) anew, and leaves nothing of it behind.
   * Once, after `load` was read to its end and before the first commit. Then former keys are not needed any more.
   */
  rewrite(): Promise<void>;
}

/**
 * Keeps the objects of some resources encrypted. Without rules it still refuses to start on what only a key can read:
 * nothing is lost then, and nothing is served half.
 */
export function encryptingEngine(engine: Engine, encryption: Encryption): EncryptingEngine {
  const rules = new Map<string, readonly Transformer[]>();
  const transformersOf = (table: string) => {
    let found = rules.get(table);
    if (!found) {
      found = ruleFor(encryption, table)?.transformers ?? [plain];
      rules.set(table, found);
    }
    return found;
  };
  const sealed = (write: EngineWrite): EngineWrite => {
    const [writer] = transformersOf(write.table);
    if (writer === plain || write.deleted) return write;
    return { ...write, value: writer!.seal(write.value!, placeOf(write)) };
  };
  const stale: EngineWrite[] = [];
  let loadedRevision = 0;

  function* opened(rows: Iterable<EngineRow>): Generator<EngineRow> {
    for (const row of rows) {
      const transformers = transformersOf(row.table);
      const reader = readerOf(transformers, row);
      const value = open(reader, row);
      if (reader !== transformers[0]) stale.push({ ...row, value, deleted: false });
      yield value === row.value ? row : { ...row, value };
    }
  }

  return {
    load() {
      const { revision, rows } = engine.load();
      loadedRevision = revision;
      return { revision, rows: opened(rows) };
    },
    commit: ({ revision, writes }) =>
      engine.commit({ revision, writes: encryption.length === 0 ? writes : writes.map(sealed) }),
    async rewrite() {
      if (stale.length === 0) return;
      await engine.commit({ revision: loadedRevision, writes: stale.splice(0).map(sealed) });
      await engine.scrub?.();
    },
    // What is encrypted stays so.
    snapshot: engine.snapshot && (() => engine.snapshot!()),
    close: () => engine.close(),
  };
}

/** Which of them has made a row. @throws EncryptionKeyError when none has. */
function readerOf(transformers: readonly Transformer[], row: EngineRow): Transformer {
  const { value } = row;
  const where = `${row.table} ${row.key} in the data directory`;
  if (!isEncrypted(value)) {
    const reader = transformers.find((one) => one === plain);
    if (reader) return reader;
    throw new EncryptionKeyError(
      `${where} is not encrypted, and the key file has no identity provider for ${row.table}; add "- identity: {}" as the last of its providers for one start, which encrypts it`,
    );
  }
  const head = value.subarray(0, 512).toString('latin1');
  const reader = transformers.find((one) => one !== plain && head.startsWith(one.prefix));
  if (reader) return reader;
  throw new EncryptionKeyError(
    `${where} is encrypted with the key ${JSON.stringify(keyNameOf(value))}, which is not among the keys for ${row.table}; start with --encryption-key-file and a file that has it`,
  );
}

function open(reader: Transformer, row: EngineRow): Buffer {
  if (reader === plain) return row.value;
  try {
    return reader.open(row.value, placeOf(row));
  } catch (error) {
    throw new EncryptionKeyError(
      `${row.table} ${row.key} in the data directory cannot be decrypted with the key ${JSON.stringify(keyNameOf(row.value))}: it is another key of that name, or the file was damaged; start with the key that it was encrypted with`,
      { cause: error },
    );
  }
}

const placeOf = ({ table, key }: Pick<EngineWrite, 'table' | 'key'>) => `${table}/${key}`;
