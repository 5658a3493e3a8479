import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger, systemClock, turn, withDeadline } from '../base/index.ts';
import { connectCsi, memorySockets, type Sockets, serveCsi, unixSockets } from './index.ts';

const clock = systemClock;

describe('the loss of a driver', () => {
  const transports: [string, Sockets][] = [
    ['Unix sockets', unixSockets],
    ['memory', memorySockets({ place() {}, remove() {} })],
  ];
  for (const [name, sockets] of transports) {
    const meet = async (test: TestContext) => {
      const directory = await mkdtemp(join(tmpdir(), 'stowage-lost-'));
      const endpoint = `unix://${directory}/csi.sock`;
      const identity = { name: 'lost.example.org', vendorVersion: '1' };
      const serve = () => serveCsi({ endpoint, clock, log: silentLogger, sockets, identity });
      const csi = connectCsi(endpoint, { clock, sockets });
      test.after(async () => {
        csi.close();
        await rm(directory, { recursive: true });
      });
      return { serve, csi };
    };

    it(`is told when it happens, and at once while there is none: ${name}`, async (test) => {
      const { serve, csi } = await meet(test);
      const never = new AbortController().signal;
      await csi.lost(never);
      for (let round = 0; round < 2; round++) {
        const driver = await serve();
        await csi.identity.probe({}, { waitForReady: true });
        let isLost = false;
        const lost = csi.lost(never).then(() => {
          isLost = true;
        });
        await csi.identity.probe();
        await turn();
        assert.equal(isLost, false);
        await driver.stop();
        await withDeadline(clock, 30_000, 'the loss', lost);
      }
    });

    it(`need not be waited for: ${name}`, async (test) => {
      const { serve, csi } = await meet(test);
      const driver = await serve();
      await csi.identity.probe({}, { waitForReady: true });
      const stop = new AbortController();
      const lost = csi.lost(stop.signal);
      stop.abort();
      await withDeadline(clock, 30_000, 'the end of waiting', lost);
      await driver.stop();
    });
  }
});
