import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodSpec } from '../../kube/index.ts';
import { pod } from './fixtures.ts';
import { hostsFile, podHostname } from './hosts-file.ts';
import { podDns } from './pod-dns.ts';

const named = (name: string, spec: Partial<PodSpec> = {}) => ({
  ...pod(spec),
  metadata: { ...pod().metadata, name },
});

describe('the host name of a pod', () => {
  const long = `failed to construct FQDN from pod hostname and cluster domain, FQDN ${'a'.repeat(36)}.net.default.svc.cluster.local is too long \\(64 characters is the max, 66 characters requested\\)`;
  const cases: [string, string, Partial<PodSpec>, string | RegExp][] = [
    ['its own', 'web-0', {}, 'web-0'],
    ['cut to 63 characters', `${'a'.repeat(62)}-b`, {}, 'a'.repeat(62)],
    ['what it asks for', 'web-0', { hostname: 'db' }, 'db'],
    ['short also in a domain', 'web-0', { subdomain: 'net' }, 'web-0'],
    [
      'the whole of it if it wants',
      'web-0',
      { subdomain: 'net', setHostnameAsFQDN: true },
      'web-0.net.default.svc.cluster.local',
    ],
    ['short where there is no more', 'web-0', { setHostnameAsFQDN: true }, 'web-0'],
    [
      'refused when too long',
      'a'.repeat(36),
      { subdomain: 'net', setHostnameAsFQDN: true },
      new RegExp(long),
    ],
    [
      'another altogether',
      'web-0',
      { hostnameOverride: 'db.example.com', subdomain: 'net' },
      'db.example.com',
    ],
  ];
  for (const [what, name, spec, expected] of cases)
    it(`is ${what}`, () => {
      const found = () => podHostname(named(name, spec));
      if (typeof expected === 'string') assert.equal(found(), expected);
      else assert.throws(found, expected);
    });
});

describe("a pod's hosts", () => {
  const hostAliases = [
    { ip: '1.2.3.4', hostnames: ['x', 'y'] },
    { ip: '1.2.3.5', hostnames: ['z'] },
  ];
  const aliases = '\n# Entries added by HostAliases.\n1.2.3.4\tx\ty\n1.2.3.5\tz\n';
  const lastOf = (text: string) => text.split('\n').at(-2);
  it('are itself, with its domain', () => {
    assert.equal(lastOf(hostsFile(pod(), '127.0.0.1')), '127.0.0.1\tweb-0');
    const inDomain = hostsFile(pod({ subdomain: 'svc', setHostnameAsFQDN: true }), '127.0.0.1');
    assert.equal(lastOf(inDomain), '127.0.0.1\tweb-0.svc.default.svc.cluster.local\tweb-0');
    const other = hostsFile(pod({ subdomain: 'svc', hostnameOverride: 'db.example.com' }), '127.0.0.1');
    assert.equal(lastOf(other), '127.0.0.1\tdb.example.com');
  });
  it('are followed by its aliases', () =>
    assert.ok(hostsFile(pod({ hostAliases }), '127.0.0.1').endsWith(`127.0.0.1\tweb-0\n${aliases}`)));
  it("are the host's on the host's network", () =>
    assert.equal(
      hostsFile(pod({ hostNetwork: true, hostAliases }), '127.0.0.1', '10.0.0.1\tmachine\n'),
      `# Kubernetes-managed hosts file (host network).\n10.0.0.1\tmachine\n${aliases}`,
    ));
});

describe("a pod's name servers", () => {
  const host =
    '# by hand\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nsearch old.example\nsearch one.example. two.example .\noptions ndots:2 rotate\noptions ndots:3\n';
  const range = (length: number, of: (index: number) => string) => Array.from({ length }, (_, i) => of(i));
  const cases: [string, Partial<PodSpec>, string | undefined][] = [
    ["the host's", {}, host],
    ["the host's, by name", { dnsPolicy: 'Default' }, host],
    ["the host's: there are none of the cluster", { dnsPolicy: 'ClusterFirst' }, host],
    ['its own alone', { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'] } }, 'nameserver 1.1.1.1\n'],
    [
      'its own after those of the host',
      {
        dnsConfig: {
          nameservers: ['1.1.1.1', '10.0.0.1'],
          searches: ['two.example', 'my.example'],
          options: [{ name: 'ndots', value: '5' }, { name: 'edns0' }],
        },
      },
      'search one.example two.example my.example\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 1.1.1.1\noptions ndots:5 rotate edns0\n',
    ],
  ];
  for (const [what, spec, expected] of cases)
    it(`are ${what}`, () =>
      assert.deepEqual(podDns(pod(spec), host), { resolvConf: expected, warnings: [] }));

  it('are absent where the host has none', () =>
    assert.equal(podDns(pod(), undefined).resolvConf, undefined));

  it('are no more than the limits allow, and the pod is told', () => {
    const nameservers = range(2, (i) => `1.1.1.${i}`);
    const searches = ['x'.repeat(254), ...range(40, (i) => `${'d'.repeat(100)}${i}`)];
    const { resolvConf, warnings } = podDns(pod({ dnsConfig: { nameservers, searches } }), host);
    const [search = '', ...servers] = resolvConf!.split('\n');
    assert.deepEqual(
      servers.slice(0, 3),
      ['10.0.0.1', '10.0.0.2', '1.1.1.0'].map((ip) => `nameserver ${ip}`),
    );
    assert.ok(search.length <= 'search '.length + 2048);
    assert.ok(!search.includes('x'.repeat(254)), 'glibc would abort');
    assert.deepEqual(warnings, [
      {
        reason: 'DNSConfigForming',
        message:
          'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.0.0.1 10.0.0.2 1.1.1.0',
      },
      {
        reason: 'DNSConfigForming',
        message: `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${search.slice('search '.length)}`,
      },
    ]);
  });

  it('cannot be those of the cluster, and a pod that insists is told', () => {
    const { resolvConf, warnings } = podDns(pod({ dnsPolicy: 'ClusterFirstWithHostNet' }), host);
    assert.equal(resolvConf, host);
    assert.deepEqual(warnings, [
      {
        reason: 'MissingClusterDNS',
        message:
          'pod: "web-0_default(u1)". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.',
      },
    ]);
  });
});
