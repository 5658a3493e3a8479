import { Code, CsiStatus } from '../../csi/index.ts';
import { checkParameters } from '../shared/parameters.ts';
import type { Export, OnDelete } from './record.ts';

/** What a StorageClass may say, by the names that nfs-subdir-external-provisioner and csi-driver-nfs have made known. */
const PARAMETERS = [
  ...['server', 'share', 'subDir', 'pathPattern'],
  ...['onDelete', 'archiveOnDelete', 'mountPermissions'],
];

/** What the provisioner says of the claim, with --extra-create-metadata. */
const CLAIM_NAME = 'csi.storage.k8s.io/pvc/name';
const CLAIM_NAMESPACE = 'csi.storage.k8s.io/pvc/namespace';
const VOLUME_NAME = 'csi.storage.k8s.io/pv/name';

/** What our own directory in a share is called; no volume is in it. */
export const OWN_DIRECTORY = '.stowage';

const MAX_NAME_BYTES = 255;
/** A host name or address: never taken for an option or a path. */
const SERVER = /^[A-Za-z0-9:][A-Za-z0-9.:_-]*$/;
const WITH_COMMA_OR_CONTROL = /[,\p{Cc}]/u;
/** As strconv.ParseBool takes them. */
const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];
const DEFAULT_MODE = 0o777;

type Parameters = Readonly<Record<string, string>>;

/** What a volume is asked to be, as far as its StorageClass says. */
export interface Wish {
  /** Where its directory is: an NFS export. @default the driver's own directory */
  readonly export?: Export;
  /** Its directory, relative to that. */
  readonly path: string;
  readonly onDelete: OnDelete;
  /** Of a directory that is made for it. */
  readonly mode: number;
}

/**
 * Reads the parameters of CreateVolume.
 * @param id names the directory where the claim is not known, or its name is too long.
 * @throws CsiStatus INVALID_ARGUMENT
 */
export function wishOf(id: string, parameters: Parameters): Wish {
  checkParameters(parameters, 'StorageClass', PARAMETERS);
  const from = exportOf(parameters);
  return {
    ...(from && { export: from }),
    path: directoryOf(id, parameters),
    onDelete: onDeleteOf(parameters),
    mode: modeOf(parameters.mountPermissions),
  };
}

/** The NFS export that is named; undefined when none is. @throws CsiStatus INVALID_ARGUMENT */
export function exportOf({ server = '', share = '' }: Parameters): Export | undefined {
  if (server === '' && share === '') return undefined;
  if (server === '' || share === '')
    throw invalid('server and share belong together: an NFS export has both');
  if (!SERVER.test(server)) throw invalid(`server ${JSON.stringify(server)} is no host name or address`);
  if (!share.startsWith('/') || WITH_COMMA_OR_CONTROL.test(share))
    throw invalid(`share ${JSON.stringify(share)} is no path of an export: it must begin with "/"`);
  return { server, share: `/${partsOf(share, 'share').join('/')}` };
}

/** The names that make up a path. @throws CsiStatus INVALID_ARGUMENT for one that leads elsewhere. */
export function partsOf(path: string, what: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (part === '..' || part.includes('\0'))
      throw invalid(`${what} ${JSON.stringify(path)} leads out of the share`);
    if (Buffer.byteLength(part) > MAX_NAME_BYTES)
      throw invalid(
        `${what}: ${JSON.stringify(`${part.slice(0, 40)}…`)} is longer than ${MAX_NAME_BYTES} bytes`,
      );
  }
  return parts;
}

/**
 * A volume's directory: as `pathPattern` or `subDir` says, else NAMESPACE-CLAIM-VOLUME.
 * Source: nfs-subdir-external-provisioner, Provision; csi-driver-nfs, subDir.
 */
function directoryOf(id: string, parameters: Parameters): string {
  const { pathPattern = '', subDir = '' } = parameters;
  if (pathPattern !== '' && subDir !== '')
    throw invalid('pathPattern and subDir say the same; use one of them');
  const own = pathPattern === '' ? fillSubDir(subDir, parameters) : fillPattern(pathPattern, parameters);
  const path = partsOf(own === '' ? defaultName(id, parameters) : own, 'the directory of the volume').join(
    '/',
  );
  if (path === '') throw invalid('the directory of the volume would be the share itself');
  if (path === OWN_DIRECTORY || path.startsWith(`${OWN_DIRECTORY}/`))
    throw invalid(`the directory of the volume would be in ${OWN_DIRECTORY}, which is the driver's own`);
  return path;
}

function defaultName(id: string, parameters: Parameters): string {
  const { [CLAIM_NAMESPACE]: namespace, [CLAIM_NAME]: claim, [VOLUME_NAME]: volume = id } = parameters;
  if (!namespace || !claim) return id;
  const name = `${namespace}-${claim}-${volume}`;
  // The name of a claim alone may be as long as a file's.
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? id : name;
}

function fillPattern(pattern: string, parameters: Parameters): string {
  return pattern.replaceAll(/\$\{\.PVC\.(.*?)\}/g, (text, field: string) => {
    if (field === 'name') return known(parameters, CLAIM_NAME, text);
    if (field === 'namespace') return known(parameters, CLAIM_NAMESPACE, text);
    throw invalid(`pathPattern: ${text}: a CSI driver is told a claim's name and namespace only`);
  });
}

function fillSubDir(subDir: string, parameters: Parameters): string {
  const fields = { 'pvc.metadata.name': CLAIM_NAME, 'pvc.metadata.namespace': CLAIM_NAMESPACE };
  const all: Readonly<Record<string, string>> = { ...fields, 'pv.metadata.name': VOLUME_NAME };
  return subDir.replaceAll(/\$\{([a-z.]+)\}/g, (text, field: string) => {
    const key = all[field];
    if (key === undefined) throw invalid(`subDir: ${text} is none of ${Object.keys(all).join(', ')}`);
    return known(parameters, key, text);
  });
}

function known(parameters: Parameters, key: string, text: string): string {
  const value = parameters[key];
  if (value) return value;
  throw invalid(`${text} is not known: start the provisioner with --extra-create-metadata`);
}

/** As nfs-subdir-external-provisioner, onDelete goes before archiveOnDelete; without either, what is deleted is deleted. */
function onDeleteOf({ onDelete, archiveOnDelete }: Parameters): OnDelete {
  if (onDelete === 'delete' || onDelete === 'retain' || onDelete === 'archive') return onDelete;
  if (onDelete) throw invalid(`onDelete ${JSON.stringify(onDelete)}: use delete, retain or archive`);
  if (archiveOnDelete === undefined || FALSE.includes(archiveOnDelete)) return 'delete';
  if (TRUE.includes(archiveOnDelete)) return 'archive';
  throw invalid(`archiveOnDelete ${JSON.stringify(archiveOnDelete)}: use true or false`);
}

/** An octal number; 0, as with csi-driver-nfs, says nothing. */
function modeOf(text = ''): number {
  if (!/^[0-7]{0,5}$/.test(text) || Number.parseInt(text || '0', 8) > 0o7777)
    throw invalid(`mountPermissions ${JSON.stringify(text)}: use an octal number such as "0770"`);
  return Number.parseInt(text || '0', 8) || DEFAULT_MODE;
}

function invalid(why: string): CsiStatus {
  return new CsiStatus(Code.INVALID_ARGUMENT, why);
}
