import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Metrics, silentLogger, systemClock } from '../../base/index.ts';
import { Code, CsiStatus, connectCsi, serveCsi } from '../../csi/index.ts';
import { createLivenessProbe } from './index.ts';

async function probing(test: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-liveness-'));
  const endpoint = `unix://${directory}/csi.sock`;
  let answer: () => { ready?: boolean } = () => ({});
  const serve = () =>
    serveCsi({
      endpoint,
      clock: systemClock,
      log: silentLogger,
      identity: { name: 'live.example.org', vendorVersion: '1', probe: () => answer() },
    });
  const csi = connectCsi(endpoint, { clock: systemClock });
  const stop = new AbortController();
  const listening = Promise.withResolvers<string>();
  const names: string[] = [];
  const metrics = new Metrics();
  metrics.counter({ name: 'asked_total', help: 'x' }).add();
  const done = createLivenessProbe({
    csi,
    address: '127.0.0.1:0',
    probeTimeoutMs: 300,
    metrics: { metrics, path: '/metrics' },
    onDriver: (name) => names.push(name),
    onListen: listening.resolve,
  }).start(stop.signal);
  test.after(async () => {
    stop.abort();
    await done;
    csi.close();
    await rm(directory, { recursive: true });
  });
  const get = async (path: string) => {
    const response = await fetch(`http://${await listening.promise}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  return { serve, get, names, answers: (next: typeof answer) => (answer = next) };
}

describe('livenessprobe', () => {
  it('is as well as the driver says, and ill while the driver is not there', async (test) => {
    const { serve, get, names, answers } = await probing(test);
    const driver = await serve();
    assert.equal(await get('/healthz'), '200 ok');
    assert.deepEqual(names, ['live.example.org']);
    answers(() => ({ ready: false }));
    assert.equal(await get('/healthz'), '500 driver responded but is not ready');
    answers(() => {
      throw new CsiStatus(Code.FAILED_PRECONDITION, 'no pool');
    });
    assert.match(await get('/healthz'), /^500 .*no pool/);
    answers(() => ({ ready: true }));
    await driver.stop();
    assert.match(await get('/healthz'), /^500 /);
    const again = await serve();
    assert.equal(await get('/healthz'), '200 ok');
    await again.stop();
  });

  it('serves metrics and nothing else', async (test) => {
    const { serve, get } = await probing(test);
    const driver = await serve();
    assert.match(await get('/metrics?x=1'), /^200 # HELP asked_total x\n/);
    assert.equal(await get('/'), '404 404 page not found\n');
    await driver.stop();
  });
});
