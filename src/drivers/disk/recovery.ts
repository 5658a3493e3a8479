import { isHandle } from '../shared/names.ts';
import { isUnfinished } from '../shared/record-files.ts';

/** The names of what there is of a volume or a snapshot in the pool. */
export interface FileNames {
  image(id: string): string;
  record(id: string): string;
  /** An image in the making, until its record is written. */
  creating(id: string): string;
  /** An image being deleted, until its record is gone. */
  deleting(id: string): string;
  /** Where it is published, if it can be. */
  publication?(id: string): string;
}

/** Ids begin with a letter or digit: what begins with a dot is on its way in or out. */
function namesOf(image: string, record: string): FileNames {
  return {
    image: (id) => `${id}.${image}`,
    record: (id) => `${id}.${record}`,
    creating: (id) => `.${id}.${image}.new`,
    deleting: (id) => `.${id}.${image}.gone`,
  };
}

export const fileNames = { ...namesOf('img', 'json'), publication: (id: string) => `${id}.node` };
export const snapshotNames = namesOf('snap', 'snapshot');

/** What to do with the files that a process which may have died at any point has left. */
export interface Recovery {
  /** Volumes that exist. */
  readonly volumes: readonly string[];
  readonly published: readonly string[];
  /** Volumes whose record is written and whose image only lacks its name. */
  readonly finishCreating: readonly string[];
  /** Volumes whose image is given up and whose record is still there. */
  readonly finishDeleting: readonly string[];
  /** File names that belong to nothing. */
  readonly sweep: readonly string[];
  /** Images without a record: nothing that the driver does leaves one, so they are somebody's data. */
  readonly strays: readonly string[];
}

/**
 * Reads a listing of the pool. A creation goes: `.ID.img.new`, `ID.json`, rename to `ID.img`. A deletion goes: rename to
 * `.ID.img.gone`, remove `ID.json`, remove the image. So the record decides at any point in between whether the step is
 * carried to its end or taken back, and no `ID.img` is ever removed on a guess.
 */
export function planRecovery(names: readonly string[], files: FileNames = fileNames): Recovery {
  const present = new Set(names);
  const finishCreating: string[] = [];
  const finishDeleting: string[] = [];
  const sweep: string[] = [];
  /** The ids of those that have a file of this sort. */
  const idsOf = (nameOf: (id: string) => string) => {
    const [before = '', after = ''] = nameOf('\0').split('\0');
    return names
      .filter((name) => name.startsWith(before) && name.endsWith(after))
      .map((name) => name.slice(before.length, name.length - after.length))
      .filter(isHandle);
  };
  const has = (name: string) => present.has(name);

  for (const id of idsOf(files.creating)) {
    if (has(files.record(id)) && !has(files.image(id))) finishCreating.push(id);
    else sweep.push(files.creating(id));
  }
  for (const id of idsOf(files.deleting)) {
    if (has(files.record(id)) && !has(files.image(id)) && !has(files.creating(id))) finishDeleting.push(id);
    else sweep.push(files.deleting(id));
  }
  const volumes = idsOf(files.record).filter((id) => !finishDeleting.includes(id));
  const exists = new Set(volumes);
  const { publication } = files;
  const publications = publication ? idsOf(publication) : [];
  if (publication) sweep.push(...publications.filter((id) => !exists.has(id)).map(publication));
  // What an atomic write leaves when it is cut short.
  sweep.push(...names.filter(isUnfinished));
  return {
    volumes,
    published: publications.filter((id) => exists.has(id)),
    finishCreating,
    finishDeleting,
    sweep,
    strays: idsOf(files.image).filter((id) => !has(files.record(id))),
  };
}
