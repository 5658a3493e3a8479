import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, Service, Stored } from '../../kube/index.ts';
import { resolveEnvironment } from './environment.ts';
import { serviceEnvironment } from './service-environment.ts';

const service = (namespace: string, name: string, spec: Service['spec']) =>
  ({ metadata: { namespace, name }, spec }) as Stored<Service>;
const kubernetes = service('default', 'kubernetes', {
  clusterIP: '127.0.0.1',
  ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
});
const database = service('ns', 'my-db', {
  clusterIP: 'fd00::7',
  ports: [
    { port: 5432, protocol: 'TCP' },
    { name: 'peer-sync', port: 99, protocol: 'UDP' },
  ],
});
const services = [
  kubernetes,
  database,
  service('ns', 'headless', { clusterIP: 'None', ports: [{ port: 1 }] }),
  service('other', 'elsewhere', { clusterIP: '10.0.0.8', ports: [{ port: 1 }] }),
];
const KUBERNETES = {
  KUBERNETES_SERVICE_HOST: '127.0.0.1',
  KUBERNETES_SERVICE_PORT: '6443',
  KUBERNETES_SERVICE_PORT_HTTPS: '6443',
  KUBERNETES_PORT: 'tcp://127.0.0.1:6443',
  KUBERNETES_PORT_6443_TCP: 'tcp://127.0.0.1:6443',
  KUBERNETES_PORT_6443_TCP_PROTO: 'tcp',
  KUBERNETES_PORT_6443_TCP_PORT: '6443',
  KUBERNETES_PORT_6443_TCP_ADDR: '127.0.0.1',
};

describe('the environment of services', () => {
  it('tells every container where the API server is', () => {
    assert.deepEqual(Object.fromEntries(serviceEnvironment(services, 'x', true)), KUBERNETES);
    assert.deepEqual(Object.fromEntries(serviceEnvironment(services, 'ns', false)), KUBERNETES);
  });

  it('tells of the services of the namespace that have an address', () => {
    assert.deepEqual(Object.fromEntries(serviceEnvironment(services, 'ns', true)), {
      ...KUBERNETES,
      MY_DB_SERVICE_HOST: 'fd00::7',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_SERVICE_PORT_PEER_SYNC: '99',
      MY_DB_PORT: 'tcp://[fd00::7]:5432',
      MY_DB_PORT_5432_TCP: 'tcp://[fd00::7]:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: 'fd00::7',
      MY_DB_PORT_99_UDP: 'udp://[fd00::7]:99',
      MY_DB_PORT_99_UDP_PROTO: 'udp',
      MY_DB_PORT_99_UDP_PORT: '99',
      MY_DB_PORT_99_UDP_ADDR: 'fd00::7',
    });
  });

  it("comes under the container's own, which may refer to it", async () => {
    const pod = { metadata: { namespace: 'ns' }, spec: { enableServiceLinks: false } } as Stored<Pod>;
    const env = [
      { name: 'URL', value: 'https://$(KUBERNETES_SERVICE_HOST)' },
      { name: 'KUBERNETES_SERVICE_PORT', value: '1' },
    ];
    const place = { nodeName: 'n', hostIp: '', podIp: '', allocatable: {} };
    const environment = await resolveEnvironment(pod, { name: 'c', env }, place, {
      configMap: () => Promise.reject(new Error()),
      secret: () => Promise.reject(new Error()),
      services: async () => services,
      fromFile: () => Promise.reject(new Error()),
    });
    assert.equal(environment.get('URL'), 'https://127.0.0.1');
    assert.equal(environment.get('KUBERNETES_SERVICE_PORT'), '1');
    assert.equal(environment.get('KUBERNETES_PORT_6443_TCP_PORT'), '6443');
    assert.equal(environment.has('MY_DB_SERVICE_HOST'), false);
  });
});
