import { VirtualClock } from '../../base/index.ts';
import { Dice } from '../dice.ts';
import type { DiskContent } from './engine.ts';
import { SimApi } from './sim-api.ts';

let installed: Promise<DiskContent> | undefined;

/** The disk of an API server that has run before: made once, and the same for every seed. */
export function installedDisk(): Promise<DiskContent> {
  installed ??= install();
  return installed;
}

async function install(): Promise<DiskContent> {
  const clock = new VirtualClock();
  const api = new SimApi(clock, new Dice(0));
  let started = false;
  const starting = api.start().then(() => {
    started = true;
  });
  await clock.run({ until: () => started, deadlineMs: clock.monotonic() + 60_000 });
  await starting;
  return api.content;
}
