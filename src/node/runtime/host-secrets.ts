import type { Files } from '../../host/index.ts';

/** Where hosts keep what would make whoever reads it somebody else. Homes are covered as a whole. */
const SECRETS: readonly string[] = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/kubernetes',
  '/etc/rancher',
  '/etc/ssl/private',
  '/var/lib/containerd',
  '/var/lib/containers',
  '/var/lib/docker',
  '/var/lib/etcd',
  '/var/lib/kubelet',
  '/var/lib/rancher',
];

/**
 * What no container may see of the host, whose root file system stands in for its image: an image has none of it.
 * Some may not exist.
 */
export async function hostSecrets(files: Files): Promise<string[]> {
  const ssh = await files.list('/etc/ssh').catch(() => []);
  const keys = ssh.filter((name) => /^ssh_host_.*_key$/.test(name));
  return [...SECRETS, ...keys.map((name) => `/etc/ssh/${name}`)];
}
