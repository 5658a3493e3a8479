import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import { type Client, Informers } from '../../client/index.ts';
import { persistentVolumeClaims, pods } from '../../kube/index.ts';
import {
  type ComponentStack,
  type ComponentStackOptions,
  startStack,
} from '../../testing/component-stack.ts';
import { createClaimProtection } from './claim-protection.ts';

const claim = { namespace: 'default', name: 'data' };
const pod = {
  metadata: { namespace: 'default', name: 'web' },
  spec: {
    nodeName: 'node-1',
    containers: [{ name: 'main', image: 'none' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  },
};

async function start(
  test: TestContext,
  options: ComponentStackOptions = { watch: [persistentVolumeClaims] },
  informersOf = ({ context }: ComponentStack) => context.informers,
) {
  const stack = await startStack(test, options);
  await stack.client.create(persistentVolumeClaims, {
    metadata: claim,
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  stack.run(createClaimProtection({ ...stack.context, informers: informersOf(stack) }));
  const known = stack.context.informers.of(persistentVolumeClaims);
  const present = () => known.get(claim.name, claim.namespace);
  return { ...stack, present };
}

describe('a claim that is being deleted', () => {
  it('goes at once when no pod uses it', async (test) => {
    const { client, until, present } = await start(test);
    await until('the finalizer', () => present()?.metadata.finalizers);
    await client.delete(persistentVolumeClaims, claim);
    await until('the end of the claim', () => !present());
  });

  it('stays while a pod uses it', async (test) => {
    const { client, until, present } = await start(test);
    await until('the finalizer', () => present()?.metadata.finalizers);
    await client.create(pods, pod);
    await client.delete(persistentVolumeClaims, claim);
    await until('the deletion', () => present()?.metadata.deletionTimestamp);
    assert.ok(await client.get(persistentVolumeClaims, claim));
    await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
    await until('the end of the claim', () => !present());
  });

  it('goes after a pod of which the cache never heard', async (test) => {
    const clock = new FakeClock();
    let lists = 0;
    const { client, present } = await start(
      test,
      {
        clock,
        watch: [persistentVolumeClaims],
        wrap: (inner) => ({
          ...inner,
          list(resource, listOptions) {
            if (resource.plural === pods.plural) lists++;
            return inner.list(resource, listOptions);
          },
        }),
      },
      ({ context }) => {
        const deaf: Client = {
          ...context.client,
          watch: (resource, watchOptions) =>
            context.client.watch(
              resource,
              resource.plural === pods.plural ? { ...watchOptions, labelSelector: 'heard=of' } : watchOptions,
            ),
        };
        const informers = new Informers({ ...context, client: deaf });
        const stop = new AbortController();
        const running = informers.start(stop.signal);
        test.after(async () => {
          stop.abort();
          await running;
        });
        return informers;
      },
    );
    const turns = async (done: () => boolean, stepMs: number) => {
      for (let turn = 0; turn < 1_000 && !done(); turn++) await clock.advance(stepMs);
      assert.ok(done());
    };
    await turns(() => present()?.metadata.finalizers !== undefined, 0);
    await client.create(pods, pod);
    const before = lists;
    await client.delete(persistentVolumeClaims, claim);
    // The cache knows of no pod, the server does.
    await turns(() => lists > before, 0);
    assert.ok(await client.get(persistentVolumeClaims, claim));
    await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
    await turns(() => !present(), 1_000);
  });
});
