import type { Registry, ResourceDefinition } from '../../src/apiserver/index.ts';
import { modelOfKind } from '../../src/apiserver/registry/schema/models.ts';
import type { Draw } from './draw.ts';
import { anything, objectOf } from './values.ts';

export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const NAMES = [
  'a',
  'b',
  'c',
  'default',
  'x.y',
  'A_B',
  '..',
  '%2e%2e',
  '%00',
  '%ff',
  'a%2Fb',
  '%zz',
  'x'.repeat(260),
];
const NAMESPACES = ['fuzz', 'fuzz', 'fuzz', 'fuzz', 'default', 'nowhere', 'A_B', '%ff'];
const QUERIES = [
  'dryRun=All',
  'dryRun=x',
  'fieldManager=m',
  'fieldManager=%01',
  'force=true',
  'force=x',
  'fieldValidation=Strict',
  'fieldValidation=Ignore',
  'fieldValidation=x',
  'pretty=true',
  'limit=1',
  'limit=-1',
  'limit=x',
  'limit=99999999999999999999',
  'continue=abc',
  'continue=e30',
  'resourceVersion=0',
  'resourceVersion=1',
  'resourceVersion=-1',
  'resourceVersion=x',
  'resourceVersionMatch=Exact',
  'resourceVersionMatch=NotOlderThan',
  'resourceVersionMatch=x',
  'labelSelector=a%3Db',
  'labelSelector=a%20in%20(b',
  'labelSelector=%21',
  'labelSelector=%ff',
  `labelSelector=${'a,'.repeat(3_000)}`,
  `labelSelector=${encodeURIComponent(`a in (${'b,'.repeat(3_000)}b)`)}`,
  `labelSelector=${'('.repeat(3_000)}`,
  `labelSelector=a%3D${'v'.repeat(5_000)}`,
  `labelSelector=a%3E${'9'.repeat(3_000)}`,
  `fieldSelector=${'metadata.name%3Da%2C'.repeat(500)}`,
  `continue=${Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 1e300, start: 'x'.repeat(2_000) })).toString('base64url')}`,
  `continue=${Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: -1, start: '../../x' })).toString('base64url')}`,
  `continue=${'A'.repeat(5_000)}`,
  `resourceVersion=${'9'.repeat(2_000)}`,
  `limit=${'9'.repeat(2_000)}`,
  'limit=-9223372036854775808',
  `timeoutSeconds=${'9'.repeat(30)}`,
  'fieldSelector=metadata.name%3Da',
  'fieldSelector=spec.nodeName%3Da',
  'fieldSelector=x',
  'fieldSelector=%5C',
  'propagationPolicy=Foreground',
  'propagationPolicy=Orphan',
  'propagationPolicy=x',
  'gracePeriodSeconds=0',
  'gracePeriodSeconds=-1',
  'gracePeriodSeconds=x',
  'orphanDependents=true',
  'timeoutSeconds=0',
  'timeoutSeconds=x',
  'watch=false',
  'sendInitialEvents=true',
  'allowWatchBookmarks=x',
  'includeObject=None',
  'includeObject=x',
  'a=b&a=c',
  '&&==',
  '%zz',
] as const;
const ACCEPTS = [
  'application/json',
  'application/yaml',
  '*/*',
  'application/vnd.kubernetes.protobuf',
  'text/html',
  ';;q=',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  'application/json;as=x;v=v1;g=y',
  'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io, application/json',
];
const TYPES = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'text/plain',
  ';',
  'application/cbor',
];
const PATCHES = [
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/json-patch+json',
  'application/apply-patch+yaml',
  'application/json',
];
const SUBRESOURCES = ['status', 'scale', 'binding', 'eviction', 'token', 'log', 'finalize', 'exec', 'x'];
const OTHER_PATHS = [
  '/',
  '/api',
  '/apis',
  '/api/v1',
  '/apis/apps/v1',
  '/apis/x/v1',
  '/version',
  '/healthz',
  '/readyz?verbose',
  '/livez/x',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/api/v1',
  '/openid/v1/jwks',
  '/.well-known/openid-configuration',
  '/%',
  '//',
  '/../..',
  '/api/v1/watch/pods?timeoutSeconds=0',
  '/api/v1/proxy/x',
  `/${'x'.repeat(6_000)}`,
];

/** The next request of the fuzz: on every kind that the registry has, by every verb, well and badly formed. */
export function drawRequest(draw: Draw, registry: Registry): FuzzRequest {
  if (draw.chance(0.03))
    return {
      method: draw.one(['GET', 'POST', 'PUT', 'OPTIONS']),
      path: draw.one(OTHER_PATHS),
      headers: {},
      body: Buffer.alloc(0),
    };
  const definition = draw.one(registry.definitions());
  const method = draw.one([
    'POST',
    'POST',
    'POST',
    'PUT',
    'PUT',
    'PATCH',
    'PATCH',
    'PATCH',
    'GET',
    'DELETE',
    'HEAD',
  ]);
  const named = draw.chance(method === 'POST' ? 0.1 : method === 'PUT' || method === 'PATCH' ? 0.95 : 0.5);
  const name = draw.chance(0.85) ? draw.one(NAMES.slice(0, 3)) : draw.one(NAMES);
  const namespace = draw.one(NAMESPACES);
  const place = definition.namespaced && draw.chance(0.95) ? `/namespaces/${namespace}` : '';
  const base =
    definition.group === ''
      ? `/api/${definition.version}`
      : `/apis/${definition.group}/${definition.version}`;
  const subresource = named && draw.chance(0.15) ? `/${draw.one(SUBRESOURCES)}` : '';
  const queries = Array.from({ length: draw.chance(0.5) ? draw.below(4) : 0 }, () => draw.one(QUERIES));
  if (method === 'PATCH' && draw.chance(0.5)) queries.push('fieldManager=m');
  const path = `${base}${place}/${definition.plural}${named ? `/${name}${subresource}` : ''}`;
  const type =
    method === 'PATCH' ? draw.one(PATCHES) : draw.chance(0.85) ? 'application/json' : draw.one(TYPES);
  const withBody = method !== 'GET' && method !== 'HEAD' && !(method === 'DELETE' && draw.chance(0.7));
  return {
    method,
    path: queries.length > 0 ? `${path}?${queries.join('&')}` : path,
    headers: {
      ...(draw.chance(0.2) ? { Accept: draw.one(ACCEPTS) } : {}),
      ...(withBody && draw.chance(0.97) ? { 'Content-Type': type } : {}),
    },
    body: withBody
      ? spoil(draw, bodyOf(draw, definition, { name, namespace, type, method }))
      : Buffer.alloc(0),
  };
}

interface Asked {
  readonly name: string;
  readonly namespace: string;
  readonly type: string;
  readonly method: string;
}

function bodyOf(
  draw: Draw,
  definition: ResourceDefinition,
  { name, namespace, type, method }: Asked,
): Buffer {
  if (type === 'application/json-patch+json') return Buffer.from(JSON.stringify(operations(draw)));
  if (draw.chance(0.03)) return Buffer.from(JSON.stringify(anything(draw, 4)));
  if (draw.chance(0.01)) return deep(draw);
  if (method === 'DELETE') return Buffer.from(JSON.stringify(deleteOptions(draw)));
  const model = modelOfKind(definition.group, definition.version, definition.kind);
  const object = model ? objectOf(draw, model) : { spec: anything(draw, 4) };
  const placed = definition.namespaced && draw.chance(0.5) ? { namespace } : {};
  const metadata = draw.chance(0.85)
    ? { name, ...placed, labels: { app: 'x' } }
    : { ...(object.metadata as object | undefined), name };
  const typed = draw.chance(0.97)
    ? {
        apiVersion:
          definition.group === '' ? definition.version : `${definition.group}/${definition.version}`,
        kind: definition.kind,
      }
    : {};
  return Buffer.from(JSON.stringify({ ...object, ...typed, metadata }));
}

function operations(draw: Draw): unknown {
  const paths = [
    '',
    '/',
    '/metadata/labels/app',
    '/metadata',
    '/data/a',
    '/spec',
    '/spec/x/-',
    '/metadata/name',
    '/~2',
    '/metadata/labels',
    '/__proto__/x',
    '/a~1b',
  ];
  const ops = ['add', 'remove', 'replace', 'move', 'copy', 'test', 'x'];
  return Array.from({ length: draw.below(5) }, () => ({
    op: draw.one(ops),
    path: draw.one(paths),
    ...(draw.chance(0.5) ? { from: draw.one(paths) } : {}),
    ...(draw.chance(0.8) ? { value: anything(draw, 2) } : {}),
  }));
}

function deleteOptions(draw: Draw): unknown {
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds: draw.one([0, 1, -1, 'x', 1.5, null]),
    propagationPolicy: draw.one(['Foreground', 'Background', 'Orphan', 'x', 1, null]),
    preconditions: draw.one([undefined, null, {}, { uid: 'x' }, { resourceVersion: 'x' }, 'x']),
    dryRun: draw.one([undefined, ['All'], ['x'], 'All']),
  };
}

function deep(draw: Draw): Buffer {
  const depth = draw.one([900, 5_000, 9_990, 20_000, 200_000]);
  const [open, close] = draw.one([
    ['[', ']'],
    ['{"a":', '}'],
    ['{"spec":', '}'],
  ] as const);
  const inner = open.repeat(depth) + (open === '[' ? '' : '1') + close.repeat(draw.chance(0.8) ? depth : 0);
  return Buffer.from(draw.chance(0.5) ? inner : `{"metadata":{"name":"a"},"spec":${inner}}`);
}

/** Some bodies arrive damaged. */
function spoil(draw: Draw, body: Buffer): Buffer {
  if (!draw.chance(0.12) || body.length === 0) return body;
  const at = draw.below(body.length);
  switch (draw.below(5)) {
    case 0:
      return body.subarray(0, at);
    case 1:
      return Buffer.concat([body, Buffer.from([0, 0xff, 0xfe])]);
    case 2: {
      const changed = Buffer.from(body);
      changed[at] = draw.below(256);
      return changed;
    }
    case 3:
      return Buffer.concat([body.subarray(0, at), body.subarray(at >> 1, at), body.subarray(at)]);
    default:
      return Buffer.concat([body, body]);
  }
}
