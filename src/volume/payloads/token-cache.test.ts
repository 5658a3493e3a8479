import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FakeClock, rfc3339, seededRandom } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import type { Pod, Stored, TokenRequest } from '../../kube/index.ts';
import { requiresRefresh, TokenCache } from './token-cache.ts';

const signal = new AbortController().signal;
const pod = (uid: string) =>
  ({ metadata: { namespace: 'ns', name: 'p', uid }, spec: { serviceAccountName: 'robot' } }) as Stored<Pod>;

/** A server that counts its tokens, or refuses. */
function start() {
  const clock = new FakeClock(1_000_000_000);
  const asked: TokenRequest['spec'][] = [];
  const server: { failure?: Error; mostSeconds?: number } = {};
  const client = {
    async createSubresource(
      _resource: unknown,
      _name: unknown,
      _subresource: string,
      { spec }: TokenRequest,
    ) {
      if (server.failure) throw server.failure;
      asked.push(spec);
      const expirationSeconds = Math.min(spec?.expirationSeconds ?? 0, server.mostSeconds ?? Infinity);
      const expirationTimestamp = rfc3339(clock.now() + expirationSeconds * 1000);
      return {
        spec: { ...spec, expirationSeconds },
        status: { token: `t${asked.length}`, expirationTimestamp },
      };
    },
  } as unknown as Client;
  const cache = new TokenCache({ client, clock, random: seededRandom(1) });
  const get = async (uid = 'u', expirationSeconds = 3600, audience = '') =>
    (await cache.get({ pod: pod(uid), audience, expirationSeconds }, signal)).token;
  return { clock, asked, server, cache, get };
}

describe('the tokens of pods', () => {
  it('are asked for once, bound to the pod, for an audience', async () => {
    const { asked, get } = start();
    assert.equal(await get(), 't1');
    assert.equal(await get(), 't1');
    assert.equal(await get('u', 3600, 'vault'), 't2');
    assert.equal(await get('other'), 't3');
    assert.deepEqual(asked[0], {
      audiences: [],
      expirationSeconds: 3600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' },
    });
    assert.deepEqual(asked[1]?.audiences, ['vault']);
  });

  it('are renewed at 80 % of their life', async () => {
    const { clock, get } = start();
    await get();
    await clock.advance((0.8 * 3600 - 11) * 1000);
    assert.equal(await get(), 't1');
    await clock.advance(12_000);
    assert.equal(await get(), 't2');
  });

  it('are renewed by the life that the server gave them', async () => {
    const { clock, get, server } = start();
    server.mostSeconds = 600;
    await get();
    await clock.advance(481_000);
    assert.equal(await get(), 't2');
  });

  it('stay in use while the server refuses another, until they expire', async () => {
    const { clock, get, server } = start();
    await get();
    server.failure = new Error('no answer');
    await clock.advance(3_500_000);
    assert.equal(await get(), 't1');
    await clock.advance(101_000);
    await assert.rejects(
      get(),
      /^Error: token \["ns","robot","",3600,"u"\] expired and refresh failed: no answer$/,
    );
    await assert.rejects(get('new'), /^Error: failed to fetch token: no answer$/);
  });

  it('are forgotten with their pod', async () => {
    const { cache, get } = start();
    await get();
    await get('other');
    cache.forget('u');
    assert.equal(await get('other'), 't2');
    assert.equal(await get(), 't3');
  });

  it('are never used in the last fifth of their life, nor after a day', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 600, max: 10 * 86_400 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (life, part) => {
          const kept = {
            podUid: '',
            token: '',
            expirationTimestamp: '',
            expiresMs: life * 1000,
            expirationSeconds: life,
          };
          const ageMs = part * life * 1000;
          const due = ageMs > life * 800 + 1000 || ageMs > 86_400_000;
          if (due) assert.equal(requiresRefresh(kept, ageMs, 0), true);
          if (ageMs < Math.min(life * 800, 86_400_000) - 10_000)
            assert.equal(requiresRefresh(kept, ageMs, 10_000), false);
        },
      ),
    );
  });
});
