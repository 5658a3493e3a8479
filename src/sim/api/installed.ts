import { deepFreeze, VirtualClock } from '../../base/index.ts';
import type { KubeObject, Stored } from '../../kube/index.ts';
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
  const { revision, rows } = api.content;
  // Parsed once for all seeds, the definitions of custom resources among them, which are the most of it.
  const parsed = (value: Buffer) => deepFreeze(JSON.parse(value.toString('utf8')) as Stored<KubeObject>);
  return { revision, rows: rows.map((row) => ({ ...row, object: parsed(row.value) })) };
}
