import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kubectl, kubectlUntil, stowage, type Up, up, waitGone, watchOf } from '../support/command.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { scrub } from '../support/scrub.ts';

const ZONE = 'topology.kubernetes.io/zone';
const DRIVER = 'simulated.csi.stowage.dev';
const EXAMPLE = fileURLToPath(new URL('../../examples/simulated.yaml', import.meta.url));
const NODES = 50;
const ZONES = { a: 'sim-node-1..17', b: 'sim-node-18..34', c: 'sim-node-35..50' };

interface Item {
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many kinds
  readonly spec: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly status?: any;
}

describe('simulated nodes, by kubectl', () => {
  let directory: string;
  let stack: Up;
  const { k } = kubectlOf(() => stack.kubeconfig);
  const apply = (...items: object[]) => {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    return kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input });
  };
  const list = async (...args: string[]): Promise<readonly Item[]> =>
    JSON.parse(await k('get', ...args, '-o', 'json')).items;
  const zoneOf = async (node: string) =>
    (await k('get', 'node', node, '-o', 'json').then(JSON.parse)).metadata.labels[ZONE];
  const job = (name: string, annotations: Record<string, string>) => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { annotations },
        spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'simulated' }] },
      },
    },
  });

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-e2e-'));
    const labels = Object.entries(ZONES).flatMap(([zone, names]) => [
      '--node-labels',
      `${names}:${ZONE}=${zone}`,
    ]);
    stack = await up(directory, ['--nodes', '0', '--simulated-nodes', String(NODES), ...labels]);
  });
  after(async () => {
    await stack?.end('SIGTERM');
    await scrub(directory);
  });

  it('register with their zones, their driver and their leases, and are Ready', async () => {
    const nodes = await list('nodes');
    assert.equal(nodes.length, NODES);
    const isReady = ({ type, status }: { type: string; status: string }) =>
      type === 'Ready' && status === 'True';
    assert.ok(nodes.every(({ status }) => status.conditions.some(isReady)));
    const inZone = (zone: string) => nodes.filter(({ metadata }) => metadata.labels?.[ZONE] === zone).length;
    assert.deepEqual([inZone('a'), inZone('b'), inZone('c')], [17, 17, 16]);
    const csiNodes = await list('csinodes');
    const served = csiNodes.filter(({ spec }) =>
      spec.drivers.some((one: { name: string }) => one.name === DRIVER),
    );
    assert.equal(served.length, NODES);
    const leases = await list('leases', '-n', 'kube-node-lease');
    assert.equal(leases.filter(({ spec }) => spec.holderIdentity.startsWith('sim-node-')).length, NODES);
  });

  it('attach, mount and run a StatefulSet that is spread over the zones, each volume in the zone of its pod', async () => {
    await k('apply', '-f', EXAMPLE);
    await k('rollout', 'status', 'statefulset/spread', '--timeout=60s');
    const zones = new Map<string, number>();
    const volumes = new Map((await list('pv')).map((pv) => [pv.spec.claimRef.name as string, pv]));
    for (const { metadata, spec } of await list('pods')) {
      const zone = await zoneOf(spec.nodeName);
      zones.set(zone, (zones.get(zone) ?? 0) + 1);
      const { nodeSelectorTerms } = volumes.get(`data-${metadata.name}`)!.spec.nodeAffinity.required;
      const keys = nodeSelectorTerms[0].matchExpressions.map(
        ({ key, values }: { key: string; values: string[] }) => `${key}=${values}`,
      );
      assert.ok(keys.includes(`${ZONE}=${zone}`), `${keys}`);
    }
    assert.deepEqual([...zones].sort(), [
      ['a', 2],
      ['b', 2],
      ['c', 2],
    ]);
    const attachments = await list('volumeattachments');
    assert.equal(
      attachments.filter(({ spec, status }) => spec.attacher === DRIVER && status.attached).length,
      6,
    );
    const inUse = (await list('nodes')).flatMap(({ status }) => status.volumesInUse ?? []);
    assert.equal(inUse.filter((name: string) => name.startsWith(`kubernetes.io/csi/${DRIVER}^`)).length, 6);
  });

  it('lose their power: the pod comes up on another node of the zone with its volume, and the node comes back', async () => {
    const before = JSON.parse(await k('get', 'pod', 'spread-0', '-o', 'json')) as Item;
    const node: string = before.spec.nodeName;
    const lease = () => k('get', 'lease', node, '-n', 'kube-node-lease', '-o', 'jsonpath={.spec.renewTime}');
    await k('annotate', 'node', node, 'simulated.stowage.dev/power=off');
    await k('taint', 'node', node, 'node.kubernetes.io/out-of-service=shutdown:NoExecute');
    await k('delete', 'pod', 'spread-0', '--force', '--grace-period=0');
    const lastBeat = await lease();
    await k('rollout', 'status', 'statefulset/spread', '--timeout=60s');
    const now = JSON.parse(await k('get', 'pod', 'spread-0', '-o', 'json')) as Item;
    assert.notEqual(now.spec.nodeName, node);
    assert.equal(await zoneOf(now.spec.nodeName), await zoneOf(node));
    const on = (await list('volumeattachments')).filter(({ spec }) => spec.nodeName === node);
    assert.deepEqual(on, []);
    assert.equal(await lease(), lastBeat);

    await k('annotate', 'node', node, 'simulated.stowage.dev/power-');
    await k('taint', 'node', node, 'node.kubernetes.io/out-of-service-');
    const beats = [
      ...watchOf('lease', node),
      '-n',
      'kube-node-lease',
      '-o',
      'jsonpath={.spec.renewTime}{"\\n"}',
    ];
    await kubectlUntil(stack.kubeconfig, beats, new RegExp(`^(?!${lastBeat.replaceAll('.', '\\.')}).+`));
    await k('wait', '--for=condition=Ready', `node/${node}`, '--timeout=30s');
    assert.deepEqual(
      (JSON.parse(await k('get', 'node', node, '-o', 'json')) as Item).status.volumesInUse ?? [],
      [],
    );
  });

  it('answer for containers that are probed', async () => {
    const probe = { periodSeconds: 1 };
    const container = {
      name: 'main',
      image: 'simulated',
      startupProbe: { ...probe, tcpSocket: { port: 80 } },
      readinessProbe: { ...probe, httpGet: { path: '/', port: 80 } },
      livenessProbe: { ...probe, exec: { command: ['true'] } },
    };
    const metadata = { name: 'probed' };
    await apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } });
    await k('wait', '--for=condition=Ready', 'pod/probed', '--timeout=30s');
    await k('delete', 'pod', 'probed', '--grace-period=1');
  });

  it('end containers as annotations say', async () => {
    const seconds = 'simulated.stowage.dev/exit-after-seconds';
    await apply(
      job('good', { [seconds]: '0.1' }),
      job('bad', { [seconds]: '0', 'simulated.stowage.dev/exit-code': '3' }),
    );
    await k('wait', '--for=condition=Complete', 'job/good', '--timeout=30s');
    await k('wait', '--for=condition=Failed', 'job/bad', '--timeout=30s');
    const [pod] = await list('pods', '-l', 'job-name=bad');
    assert.equal(pod?.status.containerStatuses[0].state.terminated.exitCode, 3);
  });

  it('leave nothing when everything is deleted', async () => {
    await k('delete', 'jobs', '--all');
    await k('delete', '-f', EXAMPLE);
    await k('delete', 'pvc', '--all');
    await waitGone(stack.kubeconfig, 'pv');
    await waitGone(stack.kubeconfig, 'volumeattachments');
    const inUse = ['get', 'nodes', '-o', 'jsonpath={.items[*].status.volumesInUse[*]}'];
    assert.equal(await k(...inUse), '');
  });

  it('refuse labels for a node that there will not be', async () => {
    const args = [
      'up',
      '--simulated-nodes',
      '2',
      '--node-labels',
      'sim-node-2..3:a=b',
      '--data-dir',
      directory,
    ];
    const { code, stderr } = await stowage(args);
    assert.equal(code, 1);
    assert.match(stderr, /--node-labels names sim-node-3, but --simulated-nodes is 2/);
  });
});
