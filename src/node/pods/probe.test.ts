import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { openPki } from '../../apiserver/auth/index.ts';
import { FakeClock, systemClock, systemRandom, TimeoutError } from '../../base/index.ts';
import { createLinuxHost } from '../../host/linux/index.ts';
import type { Container } from '../../kube/index.ts';
import { type Probe, type ProbeOutcome, type ProbeTarget, runProbe } from './probe.ts';
import { Prober } from './prober.ts';

const { network } = createLinuxHost({ clock: systemClock });
const LONG = { timeoutSeconds: 30 };

/** What each path answers: a status, and where it sends to. */
const ANSWERS: Readonly<Record<string, [number, string?]>> = {
  '/': [200],
  '/no-content': [204],
  '/missing': [404],
  '/broken': [500],
  '/to-well': [302, '/'],
  '/to-broken': [307, '/broken'],
  '/to-elsewhere': [301, 'http://localhost:1/'],
  '/nowhere': [302],
  '/round': [302, '/round'],
};

describe('a probe', () => {
  let http: Server;
  let https: ReturnType<typeof createSecureServer>;
  const silent = createTcpServer();
  const closed = createTcpServer();
  const headers: unknown[] = [];
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
  let closedPort: number;
  const container = (): Container => ({ name: 'c', ports: [{ name: 'web', containerPort: portOf(http) }] });

  before(async () => {
    const pki = await openPki({ clock: systemClock, random: systemRandom });
    const certificate = await pki.issue({
      commonName: 'nobody',
      addresses: ['192.0.2.1'],
      usages: ['server'],
    });
    const answer: Parameters<typeof createServer>[1] = (request, response) => {
      headers.push([request.headers['user-agent'], request.headers.accept, request.headers['x-own']]);
      const [status, location] = ANSWERS[request.url!] ?? [404];
      response
        .writeHead(status, location === undefined ? {} : { location })
        .end(status === 204 ? '' : 'said');
    };
    http = createServer(answer);
    https = createSecureServer(certificate, answer);
    for (const server of [http, https, silent, closed]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    closedPort = portOf(closed);
    closed.close();
  });
  after(() => {
    for (const server of [http, https]) server.closeAllConnections();
    for (const server of [http, https, silent]) server.close();
  });

  const run = (probe: Probe, exec?: ProbeTarget['runtime']['exec']) =>
    runProbe({ ...LONG, ...probe }, container(), {
      clock: systemClock,
      runtime: { exec: exec ?? (async () => assert.fail('no command')) },
      network,
      containerId: 'id',
      podIp: '127.0.0.1',
      pod: 'web_default(uid)',
    });
  const get = (path: string, more: object = {}) => run({ httpGet: { path, port: portOf(http), ...more } });
  const is = (found: ProbeOutcome, result: ProbeOutcome['result'], output: string | RegExp) => {
    assert.equal(found.result, result, found.output);
    if (typeof output === 'string') assert.equal(found.output, output);
    else assert.match(found.output, output);
  };

  const cases: [string, ProbeOutcome['result'], string | RegExp][] = [
    ['/', 'success', 'said'],
    ['/no-content', 'success', ''],
    ['/missing', 'failure', 'HTTP probe failed with statuscode: 404'],
    ['/broken', 'failure', 'HTTP probe failed with statuscode: 500'],
    ['/to-well', 'success', 'said'],
    ['/to-broken', 'failure', 'HTTP probe failed with statuscode: 500'],
    ['/to-elsewhere', 'warning', 'Probe terminated redirects, Response body: said'],
    ['/nowhere', 'warning', 'Probe terminated redirects, Response body: said'],
    ['/round', 'failure', /stopped after 10 redirects$/],
  ];
  for (const [path, result, output] of cases)
    it(`by HTTP, of ${path}: ${result}`, async () => is(await get(path), result, output));

  it('by HTTP follows no more than upstream does: the tenth answer that sends on is the last', async () => {
    const before = headers.length;
    await get('/round');
    assert.equal(headers.length - before, 10);
  });

  it('by HTTP asks with its headers, at a named port, and does not look at certificates', async () => {
    is(await get('/', { port: 'web', httpHeaders: [{ name: 'X-Own', value: 'mine' }] }), 'success', 'said');
    assert.deepEqual(headers.at(-1), ['kube-probe/1.36', '*/*', 'mine']);
    is(await get('/', { port: portOf(https), scheme: 'HTTPS' }), 'success', 'said');
    is(await get('/', { port: 'none' }), 'error', "couldn't find port: none");
  });

  it('by HTTP, of nobody, or of who does not answer, fails', async () => {
    const refused = `Get "http://127.0.0.1:${closedPort}/": dial tcp 127.0.0.1:${closedPort}: connect: connection refused`;
    is(await get('/', { port: closedPort }), 'failure', refused);
    const late = await run({ httpGet: { port: portOf(silent) }, timeoutSeconds: 0.05 });
    is(late, 'failure', /: context deadline exceeded \(Client.Timeout exceeded while awaiting headers\)$/);
  });

  it('by HTTP has its time for all that it is sent to together', async () => {
    const clock = new FakeClock();
    const given: number[] = [];
    const httpGet: typeof network.httpGet = async (_, { timeoutMs }) => {
      given.push(timeoutMs);
      await clock.advance(400);
      return { statusCode: 302, location: '/on', body: '' };
    };
    const probe = { httpGet: { port: 80 }, timeoutSeconds: 1 };
    const runtime = { exec: async () => assert.fail('no command') };
    const target = {
      clock,
      runtime,
      network: { ...network, httpGet },
      containerId: 'id',
      podIp: 'ip',
      pod: '',
    };
    is(
      await runProbe(probe, { name: 'c' }, target),
      'failure',
      /: context deadline exceeded \(Client.Timeout/,
    );
    assert.deepEqual(given, [1000, 600, 200]);
  });

  it('by TCP connects', async () => {
    is(await run({ tcpSocket: { port: portOf(silent) } }), 'success', '');
    const refused = `dial tcp 127.0.0.1:${closedPort}: connect: connection refused`;
    is(await run({ tcpSocket: { port: closedPort } }), 'failure', refused);
  });

  it('by gRPC, of who does not speak it, fails', async () => {
    is(
      await run({ grpc: { port: closedPort }, timeoutSeconds: 0.2 }),
      'failure',
      /^timeout: failed to connect service|^error: health rpc/,
    );
  });

  it('by a command takes its exit code and what it said', async () => {
    const exec = (exitCode: number) => async () => ({ exitCode, stdout: 'out ', stderr: 'err' });
    const probe = { exec: { command: ['check', 'it'] } };
    is(await run(probe, exec(0)), 'success', 'out err');
    is(await run(probe, exec(3)), 'failure', 'out err');
    const late = () => Promise.reject(new TimeoutError('exec', 30_000));
    is(await run(probe, late), 'failure', 'command timed out: "check it" timed out after 30s');
    is(await run(probe, () => Promise.reject(new Error('no such container'))), 'error', 'no such container');
  });

  it('that warns has passed, and tells', async () => {
    const clock = new FakeClock();
    const outcomes: ProbeOutcome[] = [
      { result: 'warning', output: 'elsewhere' },
      { result: 'error', output: 'away' },
      { result: 'failure', output: 'no' },
    ];
    const told: string[] = [];
    const readinessProbe = { httpGet: { port: 1 }, failureThreshold: 1, periodSeconds: 10 };
    const prober = new Prober({
      clock,
      container: { name: 'c', readinessProbe },
      startedAtMs: clock.now(),
      run: async () => outcomes.shift() ?? assert.fail('no more'),
      changed: () => told.push(`ready ${prober.ready}`),
      failed: (kind, { result }) => void told.push(`${kind} ${result}`),
      unhealthy: () => assert.fail('nobody restarts for that'),
    });
    prober.start();
    await clock.advance(20_000);
    prober.stop();
    assert.deepEqual(told, [
      'Readiness warning',
      'ready true',
      'Readiness error',
      'Readiness failure',
      'ready false',
    ]);
  });
});
