import { isVolumeId } from './record.ts';

/** The files of a volume in the pool. Ids begin with a letter or digit: what begins with a dot is on its way in or out. */
export const fileNames = {
  image: (id: string) => `${id}.img`,
  record: (id: string) => `${id}.json`,
  /** The record in the making, until its image and that image's name are durable. */
  recording: (id: string) => `.${id}.json.tmp`,
  publication: (id: string) => `${id}.node`,
  /** An image in the making, until its record is written. */
  creating: (id: string) => `.${id}.img.new`,
  /** The image of a volume being deleted, until its record is gone. */
  deleting: (id: string) => `.${id}.img.gone`,
};

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
export function planRecovery(names: readonly string[]): Recovery {
  const present = new Set(names);
  const finishCreating: string[] = [];
  const finishDeleting: string[] = [];
  const sweep: string[] = [];
  const idsOf = (pattern: RegExp) =>
    names
      .map((name) => pattern.exec(name)?.[1])
      .filter((id) => id !== undefined && isVolumeId(id)) as string[];
  const has = (name: string) => present.has(name);

  for (const id of idsOf(/^\.(.+)\.img\.new$/)) {
    if (has(fileNames.record(id)) && !has(fileNames.image(id))) finishCreating.push(id);
    else sweep.push(fileNames.creating(id));
  }
  for (const id of idsOf(/^\.(.+)\.img\.gone$/)) {
    if (has(fileNames.record(id)) && !has(fileNames.image(id)) && !has(fileNames.creating(id)))
      finishDeleting.push(id);
    else sweep.push(fileNames.deleting(id));
  }
  const volumes = idsOf(/^(.+)\.json$/).filter((id) => !finishDeleting.includes(id));
  const exists = new Set(volumes);
  const publications = idsOf(/^(.+)\.node$/);
  sweep.push(...publications.filter((id) => !exists.has(id)).map(fileNames.publication));
  // What an atomic write leaves when it is cut short.
  sweep.push(...names.filter((name) => /^\..+\.tmp$/.test(name)));
  return {
    volumes,
    published: publications.filter((id) => exists.has(id)),
    finishCreating,
    finishDeleting,
    sweep,
    strays: idsOf(/^(.+)\.img$/).filter((id) => !has(fileNames.record(id))),
  };
}
