import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { cannotMount } from '../support/command.ts';
import { claimOf, DISK_CLASS, scriptPod, volumeOf } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const CLAIM = claimOf('data', '32Mi', { storageClassName: 'disk' });
const POD = scriptPod(
  'web',
  'head -c 4194304 /dev/zero > /v/file; sync; echo ready; exec sleep 3600',
  { v: volumeOf('data'), s: { emptyDir: {} } },
  { container: { readinessProbe: { exec: { command: ['test', '-s', '/v/file'] }, periodSeconds: 1 } } },
);

describe("the node's own server", { skip: cannotMount }, () => {
  const cluster = suiteCluster();

  /** Asks the node itself. `as`: the administrator's certificate, a bearer token, or nothing. */
  async function ask(path: string, as: { token?: string; admin?: boolean } = {}) {
    const config = parse(await readFile(cluster.kubeconfig, 'utf8'));
    const pem = (data: string) => Buffer.from(data, 'base64').toString();
    const user = config.users[0].user;
    const port = await cluster.k(
      ...['get', 'node', 'node-1', '-o', 'jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}'],
    );
    const { promise, resolve, reject } = Promise.withResolvers<{ code: number; body: string }>();
    const options = {
      host: '127.0.0.1',
      port,
      path,
      ca: pem(config.clusters[0].cluster['certificate-authority-data']),
      headers: as.token ? { authorization: `Bearer ${as.token}` } : {},
      ...(as.admin && { cert: pem(user['client-certificate-data']), key: pem(user['client-key-data']) }),
    };
    const asked = request(options, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ code: response.statusCode!, body: body.trim() });
    });
    asked.on('error', reject).end();
    return await promise;
  }

  it('tells its pods, what runs, how full it is, and what it counts', async () => {
    const { k, apply } = cluster;
    await apply(DISK_CLASS, CLAIM, POD);
    await k('wait', '--for=jsonpath={.status.phase}=Running', 'pod/web', '--timeout=60s');
    const pods = JSON.parse((await ask('/pods', { admin: true })).body);
    assert.deepEqual(
      pods.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
      ['web'],
    );
    const running = JSON.parse((await ask('/runningpods/', { admin: true })).body);
    assert.equal(running.items[0].metadata.name, 'web');
    assert.deepEqual(running.items[0].spec.containers, [{ name: 'c', image: 'host', resources: {} }]);

    const summary = JSON.parse((await ask('/stats/summary', { admin: true })).body);
    assert.equal(summary.node.nodeName, 'node-1');
    assert.ok(summary.node.fs.capacityBytes > summary.node.fs.availableBytes);
    const [stats] = summary.pods;
    assert.equal(stats.podRef.name, 'web');
    assert.equal(stats.containers[0].name, 'c');

    const { body: metrics } = await ask('/metrics', { admin: true });
    const lines = [
      /^storage_operation_duration_seconds_count\{volume_plugin="kubernetes.io\/csi:disk.csi.stowage.dev",operation_name="volume_mount",status="success",migrated="false"\} 1$/m,
      /^volume_manager_total_volumes\{plugin_name="kubernetes.io\/csi:disk.csi.stowage.dev",state="actual_state_of_world"\} 1$/m,
      /^volume_manager_total_volumes\{plugin_name="kubernetes.io\/empty-dir",state="desired_state_of_world"\} 1$/m,
      /^csi_operations_seconds_count\{driver_name="disk.csi.stowage.dev",method_name="\/csi.v1.Node\/NodePublishVolume",grpc_status_code="OK",migrated="false"\} 1$/m,
      /^reconstruct_volume_operations_total 0$/m,
      /^kubelet_orphan_pod_cleaned_volumes_errors 0$/m,
    ];
    for (const line of lines) assert.match(metrics, line);
    assert.match(
      metrics,
      /^volume_operation_total_seconds_count\{plugin_name="kubernetes.io\/csi:disk.csi.stowage.dev",operation_name="overall_volume_mount"\} 1$/m,
    );

    await k('wait', '--for=condition=Ready', 'pod/web', '--timeout=60s');
    assert.match(
      (await ask('/metrics/probes', { admin: true })).body,
      /^prober_probe_total\{probe_type="Readiness",result="successful",container="c",pod="web",namespace="default",pod_uid="[^"]+"\} \d+$/m,
    );
    const { kubeletconfig } = JSON.parse((await ask('/configz', { admin: true })).body);
    const port = await k(
      ...['get', 'node', 'node-1', '-o', 'jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}'],
    );
    assert.equal(kubeletconfig.kind, 'KubeletConfiguration');
    assert.deepEqual([kubeletconfig.port, kubeletconfig.enableControllerAttachDetach], [Number(port), true]);
    const uid = await k('get', 'pod', 'web', '-o', 'jsonpath={.metadata.uid}');
    const listed = await ask('/logs/pods/', { admin: true });
    assert.ok(listed.body.includes(`<a href="default_web_${uid}/">`), listed.body);
    const log = await ask(`/logs/pods/default_web_${uid}/c/0.log`, { admin: true });
    assert.match(log.body, / stdout F ready$/);
  });

  it('is for those only whom the API server allows it', async () => {
    const { k, apply } = cluster;
    assert.deepEqual(await ask('/pods'), { code: 401, body: 'Unauthorized' });
    assert.deepEqual(await ask('/pods', { token: 'nobody' }), { code: 401, body: 'Unauthorized' });
    await apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'prometheus' } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'scrape' },
        rules: [{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'scrape' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'scrape' },
        subjects: [{ kind: 'ServiceAccount', name: 'prometheus', namespace: 'default' }],
      },
    );
    const token = (await k('create', 'token', 'prometheus')).trim();
    assert.equal((await ask('/metrics', { token })).code, 200);
    for (const path of ['/logs/', '/configz']) assert.equal((await ask(path, { token })).code, 403, path);
    assert.deepEqual(await ask('/stats/summary', { token }), {
      code: 403,
      body: 'Forbidden (user=system:serviceaccount:default:prometheus, verb=get, resource=nodes, subresource(s)=[stats])',
    });
  });
});
