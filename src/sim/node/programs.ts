import type { Inode } from '../../host/simulated/index.ts';
import type { ContainerConfig } from '../../node/runtime/index.ts';

/** What a container's program does and when it ends by itself, well. */
export interface Program {
  readonly endsAfterMs?: number;
  /** It takes away all that is in its volumes. */
  readonly scrubs: boolean;
}

const SCRUB_MS = 500;

/** `sleep`, and the recycler's shell script, are all the programs there are. */
export function programOf({ containerName, command }: ContainerConfig): Program {
  if (containerName === 'pv-recycler') return { endsAfterMs: SCRUB_MS, scrubs: true };
  const seconds = Number(command[1]);
  return Number.isFinite(seconds) ? { endsAfterMs: seconds * 1000, scrubs: false } : { scrubs: false };
}

export function scrub({ mounts }: { readonly mounts: readonly { readonly node: Inode }[] }): void {
  for (const { node } of mounts) node.entries.clear();
}
