import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { systemClock, withDeadline } from '../../base/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const BODY = '{"metadata":{"name":"raw"}}';
const head = (...lines: string[]) =>
  [`POST ${CONFIG_MAPS} HTTP/1.1`, 'Host: a', 'Content-Type: application/json', ...lines, '', ''].join(
    '\r\n',
  );

/** What arrives, and what is answered: nothing where the server can only close. */
const CASES: readonly [what: string, sent: string, answer: RegExp][] = [
  [
    'a body shorter than its Content-Length, half closed',
    head('Content-Length: 100') + BODY,
    /^(HTTP\/1\.1 400 |$)/,
  ],
  ['two Content-Lengths', head('Content-Length: 1', 'Content-Length: 27') + BODY, /^HTTP\/1\.1 400 /],
  ['a negative Content-Length', head('Content-Length: -1') + BODY, /^HTTP\/1\.1 400 /],
  ['a Content-Length that is no number', head('Content-Length: x') + BODY, /^HTTP\/1\.1 400 /],
  [
    'Content-Length beside chunks',
    `${head('Content-Length: 27', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
  ['chunks that are none', `${head('Transfer-Encoding: chunked')}zz\r\n`, /^HTTP\/1\.1 400 /],
  ['headers of a megabyte', head(`X: ${'x'.repeat(2 ** 20)}`), /^HTTP\/1\.1 431 /],
  ['no HTTP at all', '\u0000\u0001\u0002\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['a method that nobody has', `BOGUS ${CONFIG_MAPS} HTTP/1.1\r\nHost: a\r\n\r\n`, /^HTTP\/1\.1 40[05] /],
  [
    'a body that says it is gzip',
    `${head('Content-Encoding: gzip', `Content-Length: 3`, 'Connection: close')}\u001f\u008b\u0008`,
    /^HTTP\/1\.1 400 /,
  ],
];

describe('what is hardly HTTP', { timeout: 60_000 }, () => {
  let api: TestServer;
  before(async () => {
    api = await startTestServer();
  });
  after(() => api?.close());

  /** Sends bytes, closes its half, and resolves with all that comes back. */
  const exchange = (sent: string) =>
    withDeadline(
      systemClock,
      30_000,
      'the server to answer or to close',
      new Promise<string>((resolve) => {
        const { cert, key } = api.pki.admin;
        const socket = connect({ port: api.server.port, host: '127.0.0.1', ca: api.pki.ca, cert, key });
        let answer = '';
        socket.setEncoding('latin1').on('data', (text: string) => {
          answer += text;
        });
        // A server that refuses early may reset what is still being sent.
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(answer));
        socket.end(Buffer.from(sent, 'latin1'));
      }),
    );

  for (const [what, sent, answer] of CASES) {
    it(`${what}: refused, nothing is written, and the server goes on`, async () => {
      const revision = api.registry.revision();
      assert.match(await exchange(sent), answer);
      assert.equal(api.registry.revision(), revision);
      assert.equal((await api.fetch('/readyz')).code, 200);
    });
  }

  it('more than 3 MiB of body: 413', async () => {
    const large = Buffer.alloc(3 * 2 ** 20 + 1, ' ');
    const headers = { 'Content-Type': 'application/json' };
    const { code, json } = await api.fetch(CONFIG_MAPS, { method: 'POST', headers, body: large });
    assert.equal(code, 413);
    assert.equal(json().message, 'Request entity too large: limit is 3145728');
  });

  it('one client that hammers: 429 for it when its line is full, and another is served', async () => {
    const [flood, quiet] = await Promise.all(
      ['flood', 'quiet'].map((commonName) => api.pki.issue({ commonName, usages: ['client'] })),
    );
    // Requests whose bodies do not come hold their seats and fill the line behind them.
    const holding = Array.from({ length: 100 }, () => {
      const socket = connect({ port: api.server.port, host: '127.0.0.1', ca: api.pki.ca, ...flood });
      socket.on('error', () => undefined);
      const answered = new Promise<string>((resolve) =>
        socket.once('data', (data) => resolve(data.toString('latin1'))),
      );
      const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      socket.write(
        `POST ${reviews} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n`,
      );
      return { socket, answered };
    });
    try {
      const refused = withDeadline(
        systemClock,
        30_000,
        'a refusal',
        Promise.race(holding.map(({ answered }) => answered)),
      );
      assert.match(
        await refused,
        /^HTTP\/1\.1 429 [\s\S]*\r\nRetry-After: 1\r\n[\s\S]*Too many requests, please try again later\./,
      );
      const served = await api.fetch('/version', { as: quiet });
      assert.equal(served.code, 200);
    } finally {
      for (const { socket } of holding) socket.destroy();
    }
  });
});
