import { type StatusError, statusFailure } from '../../kube/index.ts';
import { PROTOBUF_TYPE } from './protobuf/index.ts';

/** One choice of an Accept header. */
export interface MediaRange {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly quality: number;
}

/** What a response is turned into. */
export type Transform = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

/** How a response is written. */
export interface OutputType {
  readonly format: 'json' | 'yaml' | 'protobuf';
  readonly transform?: Transform;
  /** v1 or v1beta1 of meta.k8s.io, of the transform. */
  readonly transformVersion?: string;
}

const PLAIN_JSON: OutputType = Object.freeze({ format: 'json' });
/** What a response can be; a custom resource is protobuf only as its metadata alone. */
export const SUPPORTED = ['application/json', 'application/yaml', PROTOBUF_TYPE];

/** The choices of an Accept header, best first; equal ones keep their order. Even q=0 is a choice, as upstream. */
export function parseAccept(header: string): readonly MediaRange[] {
  return header
    .split(',')
    .map((clause) => parseMediaType(clause))
    .filter((range) => range.type !== '')
    .sort((a, b) => b.quality - a.quality);
}

/** A media type and its parameters, as in Content-Type or one choice of Accept. */
export function parseMediaType(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const pairs = parameters
    .map((parameter) => /^([^=]+)=\s*"?([^"]*)"?$/.exec(parameter))
    .filter((match) => match !== null)
    .map((match) => [match[1]!.trim().toLowerCase(), match[2]!] as const);
  const named = Object.fromEntries(pairs);
  const quality = named.q === undefined ? 1 : Number(named.q);
  return { type: type.toLowerCase(), parameters: named, quality: Number.isNaN(quality) ? 0 : quality };
}

/**
 * The first choice that the server can make. A transform that it does not know makes a choice unusable, as upstream.
 * @param hasProtobuf whether what is asked for has a protobuf form
 * @throws StatusError 406 when no choice is left.
 */
export function negotiateOutput(
  header: string | undefined,
  allowTransform: boolean,
  hasProtobuf = false,
): OutputType {
  if (header === undefined || header === '' || header === 'application/json' || header === '*/*')
    return PLAIN_JSON;
  for (const { type, parameters } of parseAccept(header)) {
    const format = FORMATS.get(type);
    if (!format) continue;
    const { as: transform, g: group, v: version } = parameters;
    if (transform === undefined && group === undefined && version === undefined) {
      if (format === 'protobuf' && !hasProtobuf) continue;
      return { format };
    }
    if (!allowTransform || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    // A table is JSON or YAML.
    if (format === 'protobuf' && transform === 'Table') continue;
    if (isTransform(transform)) return { format, transform, transformVersion: version };
  }
  throw notAcceptable(SUPPORTED);
}

const FORMATS: ReadonlyMap<string, OutputType['format']> = new Map([
  ['application/json', 'json'],
  ['application/*', 'json'],
  ['*/*', 'json'],
  ['*', 'json'],
  ['application/yaml', 'yaml'],
  [PROTOBUF_TYPE, 'protobuf'],
]);

function isTransform(kind: string | undefined): kind is Transform {
  return kind === 'Table' || kind === 'PartialObjectMetadata' || kind === 'PartialObjectMetadataList';
}

/** What a watch can be: YAML has no frames. */
export const WATCHED = SUPPORTED.filter((type) => type !== 'application/yaml').map(
  (type) => `${type};stream=watch`,
);

/**
 * What upstream's routes of built-in resources do first: a client that takes nothing of what the route makes, whatever
 * the parameters, is refused in words of their own.
 * @throws StatusError 406
 */
export function checkRoute(
  header: string | undefined,
  isList: boolean,
  made: readonly string[] = SUPPORTED,
): void {
  if (!header || header.split(',').some((one) => takes(one.split(';', 1)[0]!.trim(), made))) return;
  const all = isList ? [...made, ...WATCHED] : made;
  throw statusFailure(
    406,
    'NotAcceptable',
    `406: Not Acceptable\n\nAvailable representations: ${all.join(', ')}`,
    {},
  );
}

const takes = (type: string, made: readonly string[]) => type === '*/*' || made.includes(type.toLowerCase());

export function notAcceptable(accepted: readonly string[]): StatusError {
  return statusFailure(
    406,
    'NotAcceptable',
    `only the following media types are accepted: ${accepted.join(', ')}`,
  );
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return statusFailure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}
