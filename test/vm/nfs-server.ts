import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type MachineScratch, shell } from './support.ts';

export interface NfsServer {
  readonly address: string;
  /** As clients call it. */
  readonly path: string;
  /** Where what is exported is on this machine. */
  readonly directory: string;
  /** Answers nobody any more; its clients wait. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** The kernel's NFS server, version 4 alone: it needs no other service. */
export async function nfsServer(scratch: MachineScratch): Promise<NfsServer> {
  const root = join(scratch.directory, 'exports');
  const directory = join(root, 'share');
  await mkdir(root);
  await shell(`
    modprobe nfsd
    mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
    mkdir -p /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs
    touch /var/lib/nfs/etab /var/lib/nfs/rmtab
    mount -t tmpfs -o mode=777 tmpfs ${root}
    mkdir -m 777 ${directory}
    rpc.mountd --no-nfs-version 3
  `);
  const start = async () => {
    // After its start a server waits for clients that come back; here there are none.
    await shell(`
      rpc.nfsd --no-nfs-version 3 --grace-time 10 --lease-time 10 2
      exportfs -o rw,no_root_squash,no_subtree_check,insecure,fsid=0 '127.0.0.0/8:${root}'
      echo Y >/proc/fs/nfsd/v4_end_grace
    `);
  };
  const stop = async () => void (await shell('rpc.nfsd 0'));
  await start();
  scratch.defer(() => shell('exportfs -ua; rpc.nfsd 0; kill $(pidof rpc.mountd)'));
  return { address: '127.0.0.1', path: '/share', directory, stop, start };
}
