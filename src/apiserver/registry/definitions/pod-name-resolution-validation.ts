import type { PodSpec, StatusCause } from '../../../kube/index.ts';
import { parseIp } from '../../crd/ip.ts';
import {
  at,
  forbiddenField,
  invalidValue,
  isDNS1123Subdomain,
  isDNS1123SubdomainWithUnderscore,
  required,
  tooLong,
  validateWith,
} from '../validation/index.ts';

// How a pod finds others by name, and what it calls itself. Source: Kubernetes 1.36, pkg/apis/core/validation
// validatePodDNSConfig, ValidateHostAliases, validatePodHostName.

// What the C library's resolver takes.
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARACTERS = 2048;
const MAX_HOSTNAME = 64;

function ipCauses(path: string, text = ''): StatusCause[] {
  const refuse = (why: string) => [invalidValue(path, text, why)];
  const ip = parseIp(text);
  if (!ip) {
    const isPadded = parseIp(text.replace(/(^|\.)0+(?=\d)/g, '$1')) !== undefined;
    return refuse(
      isPadded ? 'must not have leading 0s' : 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    );
  }
  return ip.family === 6 && ip.value >> 32n === 0xffffn
    ? refuse('must not be an IPv4-mapped IPv6 address')
    : [];
}

export function dnsCauses({ dnsConfig, dnsPolicy }: PodSpec, path: string): StatusCause[] {
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (nameservers.length === 0) {
      const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      return [required(`${path}.nameservers`, why)];
    }
  }
  const causes: StatusCause[] = [];
  if (nameservers.length > MAX_NAMESERVERS) {
    const why = `must not have more than ${MAX_NAMESERVERS} nameservers`;
    causes.push(invalidValue(`${path}.nameservers`, nameservers, why));
  }
  causes.push(...nameservers.flatMap((one, index) => ipCauses(at(`${path}.nameservers`, index), one)));
  if (searches.length > MAX_SEARCHES) {
    const why = `must not have more than ${MAX_SEARCHES} search paths`;
    causes.push(invalidValue(`${path}.searches`, searches, why));
  }
  if (searches.join(' ').length > MAX_SEARCH_CHARACTERS) {
    const why = `must not have more than ${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`;
    causes.push(invalidValue(`${path}.searches`, searches, why));
  }
  for (const [index, search] of searches.entries()) {
    if (search === '.') continue;
    const here = at(`${path}.searches`, index);
    causes.push(...validateWith(here, search.replace(/\.$/, ''), isDNS1123SubdomainWithUnderscore));
  }
  for (const [index, { name }] of options.entries())
    if (!name) causes.push(required(at(`${path}.options`, index), 'must not be empty'));
  return causes;
}

export function hostAliasCauses(aliases: PodSpec['hostAliases'] = [], path: string): StatusCause[] {
  return aliases.flatMap(({ ip, hostnames = [] }, index) => [
    ...ipCauses(`${at(path, index)}.ip`, ip),
    ...hostnames.flatMap((name, place) =>
      validateWith(at(`${at(path, index)}.hostnames`, place), name, isDNS1123Subdomain),
    ),
  ]);
}

export function hostnameOverrideCauses(spec: PodSpec, path: string): StatusCause[] {
  const { hostnameOverride: name } = spec;
  if (name === undefined) return [];
  const causes: StatusCause[] = [];
  if (spec.setHostnameAsFQDN)
    causes.push(forbiddenField(path, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork) causes.push(forbiddenField(path, 'may not be specified when hostNetwork is true'));
  if (name.length > MAX_HOSTNAME) causes.push(tooLong(path, MAX_HOSTNAME));
  return [...causes, ...validateWith(path, name, isDNS1123Subdomain)];
}
