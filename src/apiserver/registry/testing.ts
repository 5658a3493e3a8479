// For the tests of this folder: a registry in memory with a clock that stands still.
import { FakeClock, seededRandom } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { createLocalClient } from '../local-client.ts';
import { openStore } from '../store/index.ts';
import type { Registry } from './contract.ts';
import { createRegistry } from './registry.ts';

export interface Fixture {
  readonly registry: Registry;
  readonly client: Client;
  readonly clock: FakeClock;
}

export async function startRegistry(options: { logCapacity?: number } = {}): Promise<Fixture> {
  const clock = new FakeClock();
  const store = await openStore({ memory: true, clock, ...options });
  const registry = await createRegistry({ store, clock, random: seededRandom(1) });
  return { registry, client: createLocalClient(registry), clock };
}

export const claimNamed = (name: string, labels?: Record<string, string>) => ({
  metadata: { namespace: 'default', name, labels },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
});

export const podNamed = (name: string, spec: object = {}) => ({
  metadata: { namespace: 'default', name },
  spec: { containers: [{ name: 'main', image: 'busybox:1.36' }], ...spec },
});

export const mapNamed = (name: string, labels?: Record<string, string>) => ({
  metadata: { namespace: 'default', name, labels },
});
