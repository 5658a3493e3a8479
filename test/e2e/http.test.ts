import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { seededRandom, silentLogger, systemClock } from '../../src/base/index.ts';
import { createHttpClient, type HttpClient, loadKubeconfig, podLogs } from '../../src/client/http/index.ts';
import { Informers, waitUntil } from '../../src/client/index.ts';
import { startCluster } from '../../src/cluster.ts';
import {
  type KubeObject,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  resourceOf,
  statefulSets,
  volumeAttachments,
} from '../../src/kube/index.ts';
import { cannotMount, EXAMPLE, readText } from '../support/command.ts';
import { scrub } from '../support/scrub.ts';

const isReady = (pod: Pod | undefined) =>
  pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

describe('the main job, every component on HTTP', { skip: cannotMount }, () => {
  it('goes through all steps and back, driven by the HTTP client with nothing but the kubeconfig', async () => {
    const complaints: string[] = [];
    const cluster = await startCluster({
      ephemeral: true,
      wire: 'http',
      logLevel: 'warn',
      logSink: (line) => complaints.push(line),
    });
    const stop = new AbortController();
    const connection = {
      ...(await loadKubeconfig(cluster.kubeconfig)),
      clock: systemClock,
      userAgent: 'stowage-test',
    };
    const client = createHttpClient(connection);
    const informers = new Informers({
      client,
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
    });
    const running = informers.start(stop.signal);
    const podInformer = informers.of(pods);
    const until = (what: string, look: () => unknown) =>
      waitUntil(
        [podInformer, informers.of(persistentVolumes), informers.of(volumeAttachments)] as never,
        look,
        {
          clock: systemClock,
          limitMs: 60_000,
          what,
        },
      );
    try {
      await applyExample(client);
      await until('both pods to be ready', () =>
        ['web-0', 'web-1'].every((name) => isReady(podInformer.get(name, 'default'))),
      );
      assert.equal(informers.of(persistentVolumes).size, 2);
      const first = podInformer.get('web-0', 'default')!;
      const line = await started(connection, 'web-0');

      await client.delete(pods, { namespace: 'default', name: 'web-0' });
      await until('the successor to be ready', () => {
        const pod = podInformer.get('web-0', 'default');
        return pod && pod.metadata.uid !== first.metadata.uid && isReady(pod);
      });
      // It reads what its predecessor has written.
      await lineOf(connection, 'web-0', (text) => text === line);

      await client.delete(statefulSets, { namespace: 'default', name: 'web' });
      await until('the pods to go', () => podInformer.size === 0);
      await client.deleteCollection(persistentVolumeClaims, { namespace: 'default' });
      await until(
        'volumes and attachments to go',
        () => informers.of(persistentVolumes).size + informers.of(volumeAttachments).size === 0,
      );
      assert.deepEqual(await cluster.volumesLeft(), []);
      // Every component is somebody of its own, and has all the rights that it needs.
      assert.deepEqual(
        complaints.filter((line) => line.includes('forbidden')),
        [],
      );
    } finally {
      stop.abort();
      await running;
      client.close();
      await cluster.stop();
      const left = existsSync(cluster.directory);
      await scrub(cluster.directory);
      assert.equal(left, false, 'an ephemeral cluster leaves no directory');
    }
  });
});

async function applyExample(client: HttpClient): Promise<void> {
  for (const document of parseAllDocuments(await readText(EXAMPLE))) {
    const object = document.toJS() as KubeObject;
    const resource = resourceOf(object.apiVersion!, object.kind!)!;
    const metadata = resource.namespaced ? { namespace: 'default', ...object.metadata } : object.metadata;
    await client.create(resource, { ...object, metadata });
  }
}

/** The line that the pod wrote when it started. */
function started(connection: Parameters<typeof podLogs>[0], name: string): Promise<string> {
  return lineOf(connection, name, (line) => line.endsWith(`${name} started`));
}

/** The first line of the pod's log that is `wanted`, present or still to come. */
async function lineOf(
  connection: Parameters<typeof podLogs>[0],
  name: string,
  wanted: (line: string) => boolean,
): Promise<string> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(30_000)]);
  const seen: string[] = [];
  for await (const line of podLogs(connection, { namespace: 'default', name }, { follow: true, signal })) {
    seen.push(line);
    if (!wanted(line)) continue;
    stop.abort();
    return line;
  }
  throw new Error(`the log of ${name} has no such line:\n${seen.join('\n')}`);
}
