import assert from 'node:assert/strict';
import type { ConfigMap, Stored } from '../../src/kube/index.ts';
import type { Found } from './ledger.ts';

export const NAMESPACE = 'default';

/** A text that gives itself away when a part of it is of another write. Some do not fit into a page of the store. */
function filler(serial: number): string {
  return `${serial}/`.repeat(serial % 17 === 0 ? 4_000 : 20 + (serial % 50));
}

export function objectOf(name: string, serial: number, resourceVersion?: string): ConfigMap {
  return {
    metadata: { namespace: NAMESPACE, name, resourceVersion },
    data: dataOf(serial),
  };
}

export function dataOf(serial: number): Record<string, string> {
  return { serial: String(serial), first: filler(serial), second: filler(serial) };
}

/** What an object says of itself. @throws AssertionError when it is torn. */
export function foundIn({ metadata, data }: Stored<ConfigMap>): Found {
  const serial = Number(data?.serial);
  assert.deepEqual({ ...data }, dataOf(serial), `${metadata.name} is torn`);
  return { name: metadata.name, revision: Number(metadata.resourceVersion), serial };
}
