import type { Pod, Stored } from '../../kube/index.ts';

/** The host name of a pod: spec.hostname or its name, at most 63 characters (truncatePodHostnameIfNeeded). */
export function podHostname(pod: Stored<Pod>): string {
  const name = pod.spec?.hostname || pod.metadata.name;
  return name.length <= 63 ? name : name.slice(0, 63).replace(/[-.]+$/, '');
}

/** /etc/hosts of a pod (managedHostsFileContent). */
export function hostsFile(pod: Stored<Pod>, podIp: string): string {
  const hostname = podHostname(pod);
  const subdomain = pod.spec?.subdomain;
  const names = subdomain
    ? `${hostname}.${subdomain}.${pod.metadata.namespace}.svc.cluster.local\t${hostname}`
    : hostname;
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    `${podIp}\t${names}`,
  ];
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length > 0) lines.push('', '# Entries added by HostAliases.');
  for (const alias of aliases) lines.push(`${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`);
  return `${lines.join('\n')}\n`;
}
