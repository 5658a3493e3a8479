/** The machine that holds the pool. */
export const TOPOLOGY_HOST = 'topology.disk.csi.stowage.dev/host';
