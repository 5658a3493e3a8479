import type { Pod, PodSpec, Stored } from '../../kube/index.ts';
import { formatPod } from './names.ts';

/** What glibc takes, and the API allows (MaxDNSNameservers, MaxDNSSearchPaths, MaxDNSSearchListChars). */
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_LENGTH = 2048;
const MAX_SUBDOMAIN_LENGTH = 253;

interface DnsSettings {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** NAME or NAME:VALUE */
  readonly options: readonly string[];
}

/** What a pod's programs find names by. */
export interface PodDns {
  /** Of /etc/resolv.conf; absent: the host has none. */
  readonly resolvConf?: string;
  /** What the pod is to be told. */
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

const NOTHING: DnsSettings = { nameservers: [], searches: [], options: [] };

/**
 * A pod shares the network of its host, and with it the host's name servers, unless it names its own (dnsPolicy None) or
 * more of them (dnsConfig). There is no name server of the cluster. Source: GetPodDNS of pkg/kubelet/network/dns.
 */
export function podDns(pod: Stored<Pod>, hostResolvConf: string | undefined): PodDns {
  const { dnsPolicy, dnsConfig } = pod.spec ?? {};
  const warnings = dnsPolicy === 'ClusterFirstWithHostNet' ? [noClusterDns(pod)] : [];
  if (dnsPolicy !== 'None' && !dnsConfig) return { resolvConf: hostResolvConf, warnings };
  const base = dnsPolicy === 'None' ? NOTHING : parseResolvConf(hostResolvConf ?? '');
  const { settings, exceeded } = withinLimits(merged(base, dnsConfig ?? {}));
  return {
    resolvConf: resolvConfText(settings),
    warnings: [...warnings, ...exceeded.map((message) => ({ reason: 'DNSConfigForming', message }))],
  };
}

function noClusterDns(pod: Stored<Pod>) {
  const why =
    'kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.';
  return { reason: 'MissingClusterDNS', message: `pod: ${JSON.stringify(formatPod(pod))}. ${why}` };
}

/** Name servers add up, the last line of domains holds, options of the same name replace one another (resolv.conf(5)). */
export function parseResolvConf(text: string): DnsSettings {
  const nameservers: string[] = [];
  let searches: string[] = [];
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined) nameservers.push(values[0]);
    if (keyword === 'search')
      searches = values.filter((domain) => domain !== '.').map((domain) => domain.replace(/\.$/, ''));
    if (keyword === 'options') for (const option of values) options.set(option.split(':')[0]!, option);
  }
  return { nameservers, searches, options: [...options.values()] };
}

function merged(base: DnsSettings, own: NonNullable<PodSpec['dnsConfig']>): DnsSettings {
  const options = new Map(base.options.map((option) => [option.split(':')[0]!, option]));
  for (const { name = '', value } of own.options ?? []) options.set(name, value ? `${name}:${value}` : name);
  return {
    nameservers: [...new Set([...base.nameservers, ...(own.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(own.searches ?? [])])],
    options: [...options.values()],
  };
}

/** What is left of the settings; each of `exceeded` tells of some that are not. */
function withinLimits(settings: DnsSettings): { settings: DnsSettings; exceeded: string[] } {
  const nameservers = settings.nameservers.slice(0, MAX_NAMESERVERS);
  const searches = settings.searches
    .slice(0, MAX_SEARCHES)
    .filter(({ length }) => length <= MAX_SUBDOMAIN_LENGTH);
  while (searches.join(' ').length > MAX_SEARCH_LENGTH) searches.pop();
  const exceeded = [];
  if (nameservers.length < settings.nameservers.length)
    exceeded.push(
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${nameservers.join(' ')}`,
    );
  if (searches.length < settings.searches.length)
    exceeded.push(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`,
    );
  return { settings: { ...settings, nameservers, searches }, exceeded };
}

/** In the order in which container runtimes write it. */
function resolvConfText({ nameservers, searches, options }: DnsSettings): string {
  const lines = nameservers.map((server) => `nameserver ${server}\n`);
  if (searches.length > 0) lines.unshift(`search ${searches.join(' ')}\n`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}\n`);
  return lines.join('');
}
