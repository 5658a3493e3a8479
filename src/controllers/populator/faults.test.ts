import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { pods } from '../../kube/index.ts';
import { FINALIZER, start } from './test-support.ts';

const WRITES = ['create', 'update', 'patch', 'delete'] as const;

/** Of the first so many writes some fail before they are done, and of some the answer is lost. */
function unreliable(client: Client, seed: number, writes: number): Client {
  const random = seededRandom(seed);
  let left = writes;
  const faulty = { ...client };
  for (const method of WRITES) {
    const send = client[method].bind(client) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(faulty, {
      async [method](...args: unknown[]) {
        const fate = left-- > 0 ? random.next() : 1;
        if (fate < 0.2) throw new Error('the server is away');
        const answer = await send(...args);
        if (fate < 0.4) throw new Error('the answer is lost');
        return answer;
      },
    });
  }
  return faulty;
}

describe('a populator whose API server fails now and then', () => {
  it('fills the claim, or leaves nothing of one that is deleted', async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.option(fc.nat(40), { freq: 2 }),
        fc.nat(1),
        async (seed, deletedAfter, failures) => {
          let seen = 0;
          const due = Promise.withResolvers<void>();
          const count = () => {
            if (seen++ === deletedAfter) due.resolve();
          };
          const started = await start(t, {}, { wrap: (client) => unreliable(client, seed, 40) });
          const { client, claims, volumes, podInformer, claim, prime, pod, until } = started;
          // What a kubelet does: the container of the pod ends, the first times badly.
          let bad = failures;
          const stops = [
            podInformer.on({
              added({ metadata }) {
                const body = { status: { phase: bad-- > 0 ? 'Failed' : 'Succeeded' } };
                const where = { namespace: metadata.namespace!, name: metadata.name };
                void client
                  .patch(pods, where, { type: 'merge', body }, { subresource: 'status' })
                  .catch(() => undefined);
              },
            }),
            ...[claims, volumes, podInformer].map((informer) =>
              informer.on({ added: count, updated: count, deleted: count }),
            ),
          ];
          try {
            await started.hello();
            await started.make();
            const isFilled = () =>
              claim()?.status?.phase === 'Bound' &&
              !claim()?.metadata.finalizers?.includes(FINALIZER) &&
              !prime() &&
              !pod();
            if (deletedAfter === null) {
              await until('the claim with its volume', isFilled);
              assert.deepEqual([claims.size, volumes.size, podInformer.size], [1, 1, 0]);
            } else {
              await Promise.race([due.promise, until('the claim with its volume', isFilled)]);
            }
            await started.remove();
            await started.nothingLeft();
          } finally {
            for (const stop of stops) stop();
            await started.stop();
          }
        },
      ),
      { numRuns: 25, endOnFailure: true },
    );
  });
});
