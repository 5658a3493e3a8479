import { Code, CsiStatus } from '../../csi/index.ts';
import { checkParameters } from '../shared/parameters.ts';
import { isBucketName, isPrefix, type Location, parseVolumeId } from './location.ts';
import { checkOptions, DEFAULT_MOUNTER, mounterOf, type Option, parseOptions } from './mounters/index.ts';
import { type Account, DEFAULT_REGION } from './s3/index.ts';

type Texts = Readonly<Record<string, string>>;

/** How a volume is mounted: what its class says, and its PersistentVolume keeps in volumeAttributes. */
const MOUNT_SETTINGS = ['mounter', 'options'];
/** Where it is. */
const PLACE_SETTINGS = ['bucket', 'prefix'];
/** Of no effect, but written by k8s-csi-s3 into the volumes that it made. */
const IGNORED_ATTRIBUTES = ['capacity'];
/** What Kubernetes adds to the attributes: the provisioner's identity. */
const KUBERNETES_PREFIX = 'storage.kubernetes.io/';

/**
 * What the parameters of a class say: where its volumes go, and what they are mounted with, which each of them keeps.
 * @throws CsiStatus INVALID_ARGUMENT for what is unknown or wrong.
 */
export function classOf(parameters: Texts): { within: { bucket?: string; prefix?: string }; context: Texts } {
  checkParameters(parameters, 'StorageClass', [...MOUNT_SETTINGS, ...PLACE_SETTINGS]);
  const within = placeOf(parameters);
  if (within.prefix !== undefined && within.bucket === undefined)
    throw new CsiStatus(Code.INVALID_ARGUMENT, 'prefix: it is below which bucket? name it with bucket');
  const { mounter = DEFAULT_MOUNTER, options } = parameters;
  // The default of today is written down: it may be another one day.
  const context = { mounter, ...(options !== undefined && { options }) };
  mountOptionsOf(context);
  return { within, context };
}

/**
 * Where a volume is: as its handle says, or its attributes `bucket` and `prefix`, with which two PersistentVolumes can be
 * of one bucket.
 * @throws CsiStatus NOT_FOUND for a handle that none of the volumes has; INVALID_ARGUMENT for attributes.
 */
export function locationOf(volumeId: string, attributes: Texts): Location {
  const known = [...MOUNT_SETTINGS, ...PLACE_SETTINGS, ...IGNORED_ATTRIBUTES];
  const own = Object.entries(attributes).filter(([key]) => !key.startsWith(KUBERNETES_PREFIX));
  checkParameters(Object.fromEntries(own), 'volumeAttributes', known);
  const { bucket, prefix = '' } = placeOf(attributes);
  const location = bucket === undefined ? parseVolumeId(volumeId) : { bucket, prefix };
  if (location) return location;
  throw new CsiStatus(
    Code.NOT_FOUND,
    `volume ${JSON.stringify(volumeId)}: a volume is called BUCKET or BUCKET/PREFIX`,
  );
}

/** How a volume is mounted. @throws CsiStatus INVALID_ARGUMENT. */
export function mountOptionsOf(
  attributes: Texts,
  also: readonly Option[] = [],
): { mounter: ReturnType<typeof mounterOf>; options: readonly Option[] } {
  const mounter = mounterOf(attributes.mounter ?? DEFAULT_MOUNTER);
  const options = [...parseOptions(attributes.options ?? ''), ...also];
  checkOptions(mounter.name, options, mounter.allowed);
  return { mounter, options };
}

/**
 * Where to ask and with what credentials. All of it is in the secret: DeleteVolume gets nothing else. Source: the secret of
 * k8s-csi-s3.
 * @throws CsiStatus INVALID_ARGUMENT that says what is missing; never what is there.
 */
export function accountOf(secrets: Texts, secretOf: string): Account {
  const { accessKeyID: accessKeyId = '', secretAccessKey = '', endpoint, insecure = '' } = secrets;
  const missing = Object.entries({ accessKeyID: accessKeyId, secretAccessKey }).filter(([, value]) => !value);
  if (missing.length > 0) {
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `no ${missing.map(([key]) => key).join(' and no ')} among the secrets: put them into a Secret, and name it as ${secretOf}`,
    );
  }
  if (/\s|\p{Cc}/u.test(`${accessKeyId}${secretAccessKey}`))
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      'accessKeyID or secretAccessKey contains a space or a newline',
    );
  if (/^(1|t|true)$/i.test(insecure))
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      'insecure: certificates are always checked; make the authority of the server known to the machine',
    );
  if (!endpoint)
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      'no endpoint among the secrets: put it into the Secret, as https://s3.example.com',
    );
  const region = secrets.region || DEFAULT_REGION;
  if (!/^[\w.-]+$/.test(region))
    throw new CsiStatus(Code.INVALID_ARGUMENT, `region ${JSON.stringify(region)}`);
  return { endpoint: originOf(endpoint), region, accessKeyId, secretAccessKey };
}

/** @throws CsiStatus INVALID_ARGUMENT for what is no place of a server. */
function originOf(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain = url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (isPlain && url.pathname === '/' && url.search === '' && url.hash === '') return url.origin;
  throw new CsiStatus(
    Code.INVALID_ARGUMENT,
    `endpoint ${isPlain ? JSON.stringify(endpoint) : ''}: it must be as https://s3.example.com:9000, without a path`,
  );
}

function placeOf({ bucket, prefix }: Texts): { bucket?: string; prefix?: string } {
  if (bucket !== undefined && !isBucketName(bucket))
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `bucket ${JSON.stringify(bucket)} is not the name of a bucket`,
    );
  const trimmed = prefix?.replace(/^\/|\/$/g, '');
  if (trimmed !== undefined && trimmed !== '' && !isPrefix(trimmed))
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `prefix ${JSON.stringify(prefix)}: use names of letters, digits and . _ = @ - with slashes between them`,
    );
  return { ...(bucket !== undefined && { bucket }), ...(trimmed && { prefix: trimmed }) };
}
