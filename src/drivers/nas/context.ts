import { Code, CsiStatus } from '../../csi/index.ts';
import { exportOf, OWN_DIRECTORY, partsOf } from './parameters.ts';
import type { Export, NasVolume } from './record.ts';

/** Where a volume is, as a node is told: it may be another machine than the controller's. */
export interface Place {
  readonly export?: Export;
  /** Relative to the share; empty for all of an export. */
  readonly path: string;
}

type Context = Readonly<Record<string, string>>;

const KEYS = ['server', 'share', 'subDir', 'volumeId'];
/** What Kubernetes and the provisioner add. */
const ADDED = /^(csi\.storage\.k8s\.io|storage\.kubernetes\.io)\//;

/** The volume_context of a volume that the driver has made. */
export function contextOf({ id, export: from, path }: NasVolume): Record<string, string> {
  return { ...from, subDir: path, volumeId: id };
}

/**
 * Reads a volume_context, also one that somebody has written into a PersistentVolume: `subDir`, and `server` and `share`
 * for a directory of an NFS export, as with csi-driver-nfs.
 * @throws CsiStatus NOT_FOUND, INVALID_ARGUMENT
 */
export function placeIn(volumeId: string, context: Context): Place {
  const unknown = Object.keys(context).filter((key) => !KEYS.includes(key) && !ADDED.test(key));
  if (unknown.length > 0)
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `unknown volume attributes: ${unknown.join(', ')}; known are ${KEYS.slice(0, 3).join(', ')}`,
    );
  const from = exportOf(context);
  const path = partsOf(context.subDir ?? '', 'subDir').join('/');
  const isOther = context.volumeId !== undefined && context.volumeId !== volumeId;
  if (isOther || (!from && path === ''))
    throw new CsiStatus(
      Code.NOT_FOUND,
      `volume ${volumeId} is not known, and its attributes name no directory (subDir) or export (server, share)`,
    );
  if (path === OWN_DIRECTORY || path.startsWith(`${OWN_DIRECTORY}/`))
    throw new CsiStatus(Code.INVALID_ARGUMENT, `subDir ${path} is the driver's own`);
  return { ...(from && { export: from }), path };
}
