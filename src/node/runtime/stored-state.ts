import { join } from 'node:path';
import type { Files } from '../../host/index.ts';
import type { ContainerCgroup } from '../cgroups/index.ts';
import type { ContainerNamespaces, ContainerSecurity, ContainerSetup, ContainerStreams } from './contract.ts';

/** What is kept on disk of a container, for the agent that comes after us. No environment: it may hold secrets. */
export interface StoredContainer {
  readonly version: 1;
  readonly id: string;
  /** A container of an earlier boot cannot run any more. */
  readonly bootId: string;
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
  readonly containerName: string;
  readonly attempt: number;
  readonly image: string;
  readonly logPath: string;
  readonly workingDir: string;
  readonly security: ContainerSecurity;
  readonly terminationMessageFromLog: boolean;
  readonly streams?: ContainerStreams;
  readonly namespaces?: ContainerNamespaces;
  readonly imageRoot?: string;
  readonly imageId?: string;
  /** Absent: it has no control group. */
  readonly cgroup?: { readonly directory: string; readonly wanted: ContainerCgroup };
  readonly createdAtMs: number;
}

export function storedContainer(
  config: ContainerSetup,
  more: Pick<StoredContainer, 'id' | 'bootId' | 'logPath' | 'createdAtMs' | 'cgroup'>,
): StoredContainer {
  const { podUid, podNamespace, podName, containerName, attempt, image, workingDir, security } = config;
  const { terminationMessageFromLog, streams, namespaces, imageRoot, imageId } = config;
  return {
    version: 1,
    ...more,
    podUid,
    podNamespace,
    podName,
    containerName,
    attempt,
    image,
    workingDir,
    security,
    terminationMessageFromLog,
    streams,
    namespaces,
    imageRoot,
    imageId,
  };
}

/**
 * Written once, before anything is started: a write that was cut off is a container that never was. Not synced, for no
 * container outlives the machine's power.
 */
export async function writeStored(files: Files, directory: string, stored: StoredContainer): Promise<void> {
  await files.append(join(directory, 'state.json'), JSON.stringify(stored));
}

/** Undefined when nothing usable is there: the agent ended before it wrote it. */
export async function readStored(files: Files, directory: string): Promise<StoredContainer | undefined> {
  try {
    const stored = JSON.parse(await files.read(join(directory, 'state.json'))) as StoredContainer;
    return stored.version === 1 ? stored : undefined;
  } catch {
    return undefined;
  }
}
