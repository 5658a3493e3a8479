import type { Pod, Stored } from '../../kube/index.ts';

const CLUSTER_DOMAIN = 'cluster.local';
/** Of a name in the kernel without dots; and of any. */
const MAX_LABEL_LENGTH = 63;
const MAX_HOSTNAME_LENGTH = 64;

/**
 * The short host name of a pod, and its domain, '' if it has none (GeneratePodHostNameAndDomain,
 * truncatePodHostnameIfNeeded).
 */
function nameAndDomain({ metadata, spec }: Stored<Pod>): { hostname: string; domain: string } {
  const name = spec?.hostnameOverride ?? (spec?.hostname || metadata.name);
  const hostname =
    name.length <= MAX_LABEL_LENGTH ? name : name.slice(0, MAX_LABEL_LENGTH).replace(/[-.]+$/, '');
  const hasDomain = spec?.subdomain && spec.hostnameOverride === undefined;
  return {
    hostname,
    domain: hasDomain ? `${spec.subdomain}.${metadata.namespace}.svc.${CLUSTER_DOMAIN}` : '',
  };
}

/**
 * What a pod's programs see as their host name: its short one, or with setHostnameAsFQDN the whole.
 * @throws Error when that is too long for the kernel, with upstream's text (GetNodenameForKernel).
 */
export function podHostname(pod: Stored<Pod>): string {
  const { hostname, domain } = nameAndDomain(pod);
  if (domain === '' || !pod.spec?.setHostnameAsFQDN) return hostname;
  const whole = `${hostname}.${domain}`;
  if (whole.length > MAX_HOSTNAME_LENGTH)
    throw new Error(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${whole} is too long (${MAX_HOSTNAME_LENGTH} characters is the max, ${whole.length} characters requested)`,
    );
  return whole;
}

/**
 * /etc/hosts of a pod (managedHostsFileContent, nodeHostsFileContent).
 * @param hostHosts that of the host, for a pod that wants the host's network
 */
export function hostsFile(pod: Stored<Pod>, podIp: string, hostHosts = ''): string {
  const { hostname, domain } = nameAndDomain(pod);
  const names = domain === '' ? hostname : `${hostname}.${domain}\t${hostname}`;
  const own = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    `${podIp}\t${names}\n`,
  ].join('\n');
  const shared = `# Kubernetes-managed hosts file (host network).\n${hostHosts}`;
  return `${pod.spec?.hostNetwork ? shared : own}${aliasLines(pod)}`;
}

function aliasLines({ spec }: Stored<Pod>): string {
  const aliases = spec?.hostAliases ?? [];
  if (aliases.length === 0) return '';
  const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
  return `\n# Entries added by HostAliases.\n${lines.join('')}`;
}
