import { createHash } from 'node:crypto';
import { apiVersionOf } from '../../../kube/index.ts';
import type { ResourceDefinition } from '../../registry/contract.ts';
import type { Exchange } from '../exchange.ts';
import { unknownPath } from '../failures.ts';
import { notAcceptable, parseAccept } from '../media-type.ts';
import { sendBody } from '../send.ts';
import { readDescriptions } from './descriptions.ts';
import { documentV2, documentV3 } from './documents.ts';
import { buildSchemas, modelNamesOf, type SchemaSet } from './schemas.ts';

/** gnostic's encoding of a v2 document, the only one that kubectl up to 1.20 reads. */
const GNOSTIC_V2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** Clients ask with an @, which is not valid in a media type: their parsers refuse it in an answer. */
const GNOSTIC_V2_ASKED = ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', GNOSTIC_V2];

/** GET /openapi/v2, /openapi/v3 and /openapi/v3/…. */
export async function serveOpenApiPath(exchange: Exchange, path: string): Promise<void> {
  const documents = await documentsOf(exchange.server.registry.definitions());
  if (path === '/openapi/v2') return serveV2(exchange, documents);
  requireJson(exchange);
  if (path === '/openapi/v3') return send(exchange, 'application/json', documents.index());
  const document = documents.v3(path.slice('/openapi/v3/'.length));
  if (!document) throw unknownPath();
  await send(exchange, 'application/json', document);
}

async function serveV2(exchange: Exchange, documents: Documents): Promise<void> {
  for (const { type } of parseAccept(exchange.request.headers.accept || '*/*')) {
    if (GNOSTIC_V2_ASKED.includes(type)) return send(exchange, GNOSTIC_V2, await documents.gnostic());
    if (JSON_TYPES.includes(type)) return send(exchange, 'application/json', documents.v2());
  }
  throw notAcceptable(['application/json', GNOSTIC_V2]);
}

const JSON_TYPES = ['application/json', 'application/*', '*/*'];

function requireJson(exchange: Exchange): void {
  const ranges = parseAccept(exchange.request.headers.accept || '*/*');
  if (!ranges.some(({ type }) => JSON_TYPES.includes(type))) throw notAcceptable(['application/json']);
}

async function send({ request, response }: Exchange, type: string, { body, etag }: Rendered): Promise<void> {
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { ETag: etag, Vary: 'Accept-Encoding, Accept' }).end();
    return;
  }
  await sendBody(request, response, 200, type, body, { ETag: etag, Vary: 'Accept' });
}

interface Rendered {
  readonly body: Buffer;
  readonly etag: string;
}

/** The documents for one state of the resource table, each made on its first request. */
interface Documents {
  v2(): Rendered;
  gnostic(): Promise<Rendered>;
  index(): Rendered;
  /** `undefined` for a group and version that is not served. */
  v3(path: string): Rendered | undefined;
}

let cached: { key: string; documents: Promise<Documents> } | undefined;

/** Documents depend on the table alone: one copy serves every server of the process until a kind comes or goes. */
function documentsOf(definitions: readonly ResourceDefinition[]): Promise<Documents> {
  const key = definitions
    .map(
      (d) =>
        `${apiVersionOf(d)}/${d.plural}:${d.subresources}:${d.verbs}:${d.custom ? identity(d.custom) : ''}`,
    )
    .join(' ');
  if (cached?.key !== key) cached = { key, documents: makeDocuments(definitions) };
  return cached.documents;
}

let identities = 0;
const known = new WeakMap<object, number>();

/** A number that an object has for itself. */
function identity(object: object): number {
  let number = known.get(object);
  if (number === undefined) {
    number = ++identities;
    known.set(object, number);
  }
  return number;
}

async function makeDocuments(definitions: readonly ResourceDefinition[]): Promise<Documents> {
  const names = modelNamesOf(definitions);
  const set: SchemaSet = buildSchemas(definitions, names, await readDescriptions(names.keys()));
  const made = new Map<string, Rendered>();
  const once = (key: string, make: () => object): Rendered => {
    let rendered = made.get(key);
    if (!rendered) {
      rendered = render(Buffer.from(JSON.stringify(make())));
      made.set(key, rendered);
    }
    return rendered;
  };
  const groupVersions = new Map<string, ResourceDefinition[]>();
  for (const definition of definitions) {
    const path = definition.group === '' ? `api/${definition.version}` : `apis/${apiVersionOf(definition)}`;
    groupVersions.set(path, [...(groupVersions.get(path) ?? []), definition]);
  }
  const v3 = (path: string) => {
    const members = groupVersions.get(path);
    return members && once(path, () => documentV3(members, set));
  };
  let gnostic: Promise<Rendered> | undefined;
  return {
    v2: () => once('v2', () => documentV2(definitions, set)),
    async gnostic() {
      gnostic ??= import('./gnostic.ts').then(({ encodeDocument }) =>
        render(Buffer.from(encodeDocument(documentV2(definitions, set)))),
      );
      return gnostic;
    },
    index: () =>
      once('index', () => ({
        paths: Object.fromEntries(
          [...groupVersions.keys()].map((path) => [
            path,
            { serverRelativeURL: `/openapi/v3/${path}?hash=${v3(path)!.etag.replaceAll('"', '')}` },
          ]),
        ),
      })),
    v3,
  };
}

function render(body: Buffer): Rendered {
  const hash = createHash('sha512').update(body).digest('hex').slice(0, 64).toUpperCase();
  return { body, etag: `"${hash}"` };
}
