import { type Clock, errorMessage, type Logger, rfc3339Micro, sleep } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { isNotFound, type Lease, leases, type Node, type Stored } from '../../kube/index.ts';

const NAMESPACE = 'kube-node-lease';
/** The kubelet's nodeLeaseDurationSeconds. */
const DEFAULT_LEASE_SECONDS = 40;
/** How often it is renewed in that time. */
const RENEWALS = 4;

/** Keeps the node's heartbeat lease until the signal aborts. Never rejects: a beat that fails is logged; the next comes. */
export async function keepLease(
  options: {
    readonly client: Client;
    readonly clock: Clock;
    readonly log: Logger;
    /** @default 40 */
    readonly leaseSeconds?: number;
  },
  node: () => Stored<Node>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, leaseSeconds = DEFAULT_LEASE_SECONDS } = options;
  while (!signal.aborted) {
    try {
      await renewLease(options.client, clock, node(), leaseSeconds);
    } catch (error) {
      if (!signal.aborted) log.warn('cannot renew the lease of the node', { error: errorMessage(error) });
    }
    await sleep(clock, (leaseSeconds * 1000) / RENEWALS, signal).catch(() => undefined);
  }
}

export async function renewLease(
  client: Client,
  clock: Clock,
  node: Stored<Node>,
  leaseSeconds = DEFAULT_LEASE_SECONDS,
): Promise<void> {
  const { name, uid } = node.metadata;
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds: leaseSeconds,
    renewTime: rfc3339Micro(clock.now()),
  };
  try {
    await client.patch(leases, { namespace: NAMESPACE, name }, { type: 'merge', body: { spec } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }];
    const lease: Lease = { metadata: { namespace: NAMESPACE, name, ownerReferences }, spec };
    await client.create(leases, lease);
  }
}
