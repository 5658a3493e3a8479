import type { Span, Trace } from '../../base/index.ts';
import type { UniqueVolumeName } from '../../volume/index.ts';
import type { PodMount } from './actual-state-of-world.ts';
import { podPathOf } from './volume-places.ts';

/** The unmount step of each volume: from the first pod's tear-down to the global unmount, or the last tear-down. */
export class UnmountSpans {
  readonly #trace: Trace;
  readonly #nodeName: string;
  readonly #open = new Map<UniqueVolumeName, Span>();

  constructor(trace: Trace, nodeName: string) {
    this.#trace = trace;
    this.#nodeName = nodeName;
  }

  begin(mount: PodMount, claim: string | undefined, globalPath: string | undefined): void {
    if (claim === undefined || this.#open.has(mount.volumeName)) return;
    const span = this.#trace.begin('volume-manager', 'unmount', claim, {
      pod: mount.podUid,
      node: this.#nodeName,
      volume: mount.spec.name,
      globalPath: globalPath ?? '',
      podPath: podPathOf(mount.plugin, mount.spec, mount.podUid),
    });
    this.#open.set(mount.volumeName, span);
  }

  ok(name: UniqueVolumeName): void {
    this.#open.get(name)?.ok();
    this.#open.delete(name);
  }

  fail(name: UniqueVolumeName, reason: string): void {
    this.#open.get(name)?.fail(reason);
    this.#open.delete(name);
  }
}
