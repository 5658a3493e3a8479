import assert from 'node:assert/strict';
import { Agent, request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startTestServer, type TestServer } from '../../src/apiserver/http/test-server.ts';
import { seededRandom, systemClock, systemRandom } from '../../src/base/index.ts';
import { Draw } from '../fuzz/draw.ts';
import { drawRequest, type FuzzRequest } from '../fuzz/requests.ts';

const DURATION_MS = Number(process.env.FUZZ_SECONDS ?? 20) * 1000;
const ANSWER_LIMIT_MS = 20_000;
/** What a server may hold more after the fuzz than after its first third, beside what it keeps on purpose. */
const GROWTH_BYTES = 64 * 2 ** 20;
/** Upstream's own 500, in its words: an apply that does not fit the type, a strange revision, a senseless strategic patch. */
const APPLIES_NOT =
  /failed to create typed patch object|failed to convert new object|strconv\.ParseUint|resourceVersion should not be set|Object 'apiVersion' is missing|unknown patch type|does not contain declared merge key|list element types are not identical|merging lists cannot yet|doesn't match \$setElementOrder|expected a \[\]interface|is not a map/;

interface Answer {
  readonly code: number;
  readonly text: string;
}

describe('any request', { timeout: 600_000 }, () => {
  const seed = Number(process.env.FUZZ_SEED ?? 1 + Math.floor(systemRandom.next() * 1e9));
  let api: TestServer;
  let agent: Agent;
  before(async () => {
    api = await startTestServer();
    agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: api.pki.ca,
      cert: api.pki.admin.cert,
      key: api.pki.admin.key,
    });
    await ask({
      method: 'POST',
      path: '/api/v1/namespaces',
      headers: { 'Content-Type': 'application/json' },
      body: Buffer.from('{"metadata":{"name":"fuzz"}}'),
    });
  });
  after(async () => {
    agent?.destroy();
    await api?.close();
  });

  const ask = ({ method, path, headers, body }: FuzzRequest) =>
    new Promise<Answer>((resolve, reject) => {
      const sized = body.length > 0 ? { 'Content-Length': body.length } : {};
      const outgoing = request(
        api.server.url + path,
        { method, headers: { ...headers, ...sized }, agent },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          );
        },
      );
      outgoing.setTimeout(ANSWER_LIMIT_MS, () => outgoing.destroy(new Error('no answer')));
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  it(`gets an answer that is no 500, and changes nothing unless it is accepted (FUZZ_SEED=${seed})`, async (t) => {
    const draw = new Draw(seededRandom(seed));
    const codes = new Map<number, number>();
    const end = systemClock.monotonic() + DURATION_MS;
    let early: number | undefined;
    let count = 0;
    for (; systemClock.monotonic() < end; count++) {
      if (early === undefined && systemClock.monotonic() > end - (2 * DURATION_MS) / 3) early = heapUsed();
      const asked = drawRequest(draw, api.registry);
      const revision = api.registry.revision();
      const tell = () =>
        `request ${count}: ${asked.method} ${asked.path} ${JSON.stringify(asked.headers)} ${summary(asked.body)}`;
      const { code, text } = await ask(asked).catch((error) => assert.fail(`${tell()}: ${error.message}`));
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (code === 500) assert.match(messageOf(text), APPLIES_NOT, tell());
      assert.ok(code >= 200 && code !== 502 && code !== 503, `${code} for ${tell()}`);
      const writes =
        asked.method !== 'GET' && asked.method !== 'HEAD' && code < 300 && !/dryRun=All/.test(asked.path);
      if (!writes)
        assert.equal(api.registry.revision(), revision, `${code}, but something was written by ${tell()}`);
    }
    t.diagnostic(
      `${count} requests: ${[...codes]
        .sort()
        .map(([code, times]) => `${code} × ${times}`)
        .join(', ')}`,
    );
    assert.ok((codes.get(201) ?? 0) > 0 && (codes.get(200) ?? 0) > 0, 'some are accepted');
    const grown = heapUsed() - early!;
    assert.ok(grown < GROWTH_BYTES, `the heap grew by ${Math.round(grown / 2 ** 20)} MiB`);
    await assertStateIsWhole();
  });

  /** What was accepted can be read back and is accepted again. */
  async function assertStateIsWhole(): Promise<void> {
    for (const definition of api.registry
      .definitions()
      .filter(({ verbs }) => verbs.includes('list') && verbs.includes('update'))) {
      const base =
        definition.group === ''
          ? `/api/${definition.version}`
          : `/apis/${definition.group}/${definition.version}`;
      const { code, text } = await ask({
        method: 'GET',
        path: `${base}/${definition.plural}`,
        headers: {},
        body: Buffer.alloc(0),
      });
      assert.equal(code, 200, definition.plural);
      const { items } = JSON.parse(text) as { items: { metadata: { name: string; namespace?: string } }[] };
      for (const item of items.slice(0, 50)) {
        const place = definition.namespaced ? `/namespaces/${item.metadata.namespace}` : '';
        const put = {
          method: 'PUT',
          path: `${base}${place}/${definition.plural}/${item.metadata.name}?dryRun=All`,
          headers: { 'Content-Type': 'application/json' },
          body: Buffer.from(JSON.stringify(item)),
        };
        const again = await ask(put);
        assert.ok(again.code === 200, `${put.path}: ${again.code} ${messageOf(again.text)}`);
      }
    }
  }
});

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}

function summary(body: Buffer): string {
  return body.length > 2_000 ? `${body.toString('utf8', 0, 2_000)} … ${body.length} bytes` : body.toString();
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
