import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import {
  BackupError,
  type BackupSummary,
  createBackup,
  DataDirInUseError,
  openExistingEngine,
} from '../apiserver/index.ts';
import { type Clock, errorMessage } from '../base/index.ts';
import { loadKubeconfig, readStream } from '../client/http/index.ts';
import { layoutOf } from './layout.ts';

export interface BackupOptions {
  readonly dataDir: string;
  /** The backup; must not be there yet. */
  readonly file: string;
  /** Of the cluster that runs on the data directory. @default DATA-DIR/kubeconfig */
  readonly kubeconfig?: string;
  readonly clock: Clock;
}

/**
 * Backs up a data directory into one file: the API server's state at one revision, its certificates and keys. Where a
 * cluster runs on it, through that cluster, which goes on meanwhile. What is in volumes is not part of it.
 * @throws BackupError
 */
export async function backup(options: BackupOptions): Promise<BackupSummary> {
  const { clock, kubeconfig } = options;
  const layout = layoutOf(resolve(options.dataDir), { kubeconfig });
  const state = await stateAtRest(layout.state).catch((error) => {
    if (!(error instanceof DataDirInUseError)) throw error;
    return stateOfRunning(layout.kubeconfig, clock);
  });
  const createdAt = new Date(clock.now()).toISOString();
  return createBackup(options.file, { state, pkiDirectory: layout.pki, createdAt });
}

async function stateAtRest(directory: string): Promise<Readable> {
  const engine = await openExistingEngine(directory);
  try {
    return await engine.snapshot!();
  } finally {
    await engine.close();
  }
}

async function stateOfRunning(kubeconfig: string, clock: Clock): Promise<Readable> {
  try {
    const connection = await loadKubeconfig(kubeconfig);
    return await readStream({ ...connection, clock, userAgent: 'stowage-backup' }, '/stowage/snapshot');
  } catch (error) {
    throw new BackupError(
      `a cluster runs on the data directory and gave no backup (${errorMessage(error)}); name its administrator's kubeconfig with --kubeconfig, or stop it`,
      { cause: error },
    );
  }
}
