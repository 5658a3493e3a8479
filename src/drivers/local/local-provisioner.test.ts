import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Clock, systemClock } from '../../base/index.ts';
import { waitUntil } from '../../client/index.ts';
import { type Node, nodes, persistentVolumes, storageClasses } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { type ProvisionerConfig, parseConfig } from './config.ts';
import { createLocalProvisioner } from './local-provisioner.ts';
import { machine, NODE } from './test-support.ts';

const CLASS = { metadata: { name: 'fast' }, provisioner: 'kubernetes.io/no-provisioner' };
const fast = (more: object = {}) => ({
  storageClassMap: { fast: { hostDir: '/mnt/fast', mountDir: '/mnt/fast', ...more } },
});
const mount = { is: 'mount', sizeBytes: 1n << 30n } as const;

/** A hundred times as fast: what waits for a second waits for ten milliseconds. */
const HURRIED: Clock = {
  ...systemClock,
  after: (delayMs, fire, options) => systemClock.after(delayMs / 100, fire, options),
};

async function start(
  test: Parameters<typeof startStack>[0],
  options: { entries: Parameters<typeof machine>[0]; keys: object; node?: Node },
) {
  const stack = await startStack(test, { watch: [], clock: HURRIED });
  const { client, context, run } = stack;
  await client.create(storageClasses, CLASS);
  if (options.node) await client.create(nodes, options.node);
  const watched = [context.informers.of(persistentVolumes), context.informers.of(nodes)];
  const here = machine(options.entries);
  let config: () => Promise<ProvisionerConfig> = async () => parseConfig({ ...options.keys });
  const provisioner = createLocalProvisioner(context, {
    host: here.host,
    nodeName: NODE.metadata!.name!,
    readConfig: () => config(),
    discoveryPeriodMs: 1_000,
    configSyncPeriodMs: 500,
  });
  return {
    ...stack,
    here,
    provisioner,
    run: () => run(provisioner),
    until: (what: string, look: () => boolean) =>
      waitUntil(watched as never, look, { clock: systemClock, limitMs: 30_000, what }),
    configure: (read: () => Promise<ProvisionerConfig>) => {
      config = read;
    },
    volumes: () => [...context.informers.of(persistentVolumes).values()].map(({ spec }) => spec?.local?.path),
    taints: () => context.informers.of(nodes).get(NODE.metadata!.name!)?.spec?.taints,
  };
}

describe('the local provisioner', () => {
  it('is ready, and lets pods on its node, once all that should be is offered', async (test) => {
    const entries = { '/mnt/fast/a': mount, '/mnt/fast/b': { is: 'directory' } } as const;
    const keys = {
      ...fast(),
      removeNodeNotReadyTaint: true,
      provisionerNotReadyNodeTaintKey: 'example.com/no-volumes',
    };
    const effect = 'NoSchedule';
    const node: Node = {
      ...NODE,
      spec: {
        taints: [
          { key: 'example.com/no-volumes', effect },
          { key: 'other', effect },
        ],
      },
    };
    const { here, provisioner, run, until, volumes, taints } = await start(test, { entries, keys, node });
    assert.equal(provisioner.unready(), 'discovererNotReady');
    run();
    await until('the first', () => volumes().includes('/mnt/fast/a'));
    assert.equal(taints()?.length, 2);
    here.entries.set('/mnt/fast/b', mount);
    await until('the second', () => volumes().includes('/mnt/fast/b'));
    await until('the taint', () => taints()?.length === 1);
    assert.equal(taints()?.[0]?.key, 'other');
    assert.equal(provisioner.unready(), undefined);
  });

  it('follows its configuration, and keeps the last one that is good', async (test) => {
    const entries = { '/mnt/fast/a': mount, '/mnt/fast/b': mount };
    const { run, until, volumes, configure } = await start(test, {
      entries,
      keys: fast({ namePattern: 'a' }),
      node: NODE,
    });
    run();
    await until('the first', () => volumes().includes('/mnt/fast/a'));
    let reads = 0;
    const bad = Promise.withResolvers<void>();
    configure(async () => {
      if (++reads === 3) bad.resolve();
      throw new Error('no such file');
    });
    await bad.promise;
    configure(async () => parseConfig(fast()));
    await until('the second', () => volumes().includes('/mnt/fast/b'));
  });

  it('waits a little for its node', async (test) => {
    const { client, run, until, volumes } = await start(test, {
      entries: { '/mnt/fast/a': mount },
      keys: fast(),
    });
    run();
    await client.create(nodes, NODE);
    await until('a volume', () => volumes().length > 0);
  });

  for (const [what, node, says] of [
    ['is not there', undefined, /^Error: Could not get node information: nodes "test-node" not found$/],
    [
      'has no host name',
      { metadata: { name: 'test-node' } },
      /^Error: Could not get node information: Node does not have expected label kubernetes\.io\/hostname$/,
    ],
  ] as const)
    it(`ends when its node ${what}`, async (test) => {
      const { provisioner } = await start(test, { entries: {}, keys: fast(), ...(node && { node }) });
      await assert.rejects(provisioner.start(new AbortController().signal), says);
    });
});
