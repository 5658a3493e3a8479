import {
  isDNS1035Label,
  isDNS1123Label,
  isDNS1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from '../../../registry/validation/names.ts';
import { formatCheck } from '../../formats.ts';
import { bitsOf, contains, formatIp, networkOf, parseCidr, parseIp } from '../../ip.ts';
import {
  CidrValue,
  compareQuantities,
  EvaluationError,
  Format,
  IpValue,
  List,
  MapFields,
  Optional,
  Quantity,
  Semver,
  Url,
  type Value,
} from '../values.ts';
import { type Overload, overload } from './define.ts';

// The functions that Kubernetes adds for quantities, addresses, networks, names and versions (apiserver cel/library).

const QUANTITY = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:(n|u|m|k|[KMGTPE]i?)|[eE]([+-]?\d{1,3}))?$/;
const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

function parseQuantity(text: string): Quantity | undefined {
  const match = QUANTITY.exec(text);
  if (!match || match[3] === 'K') return undefined;
  const [, sign, number = '', unit, exponent] = match;
  const [whole = '', fraction = ''] = number.split('.');
  const power = exponent === undefined ? (unit ? (DECIMAL[unit] ?? 0) : 0) : Number(exponent);
  const factor = unit?.endsWith('i') ? 1024n ** BigInt(BINARY.indexOf(unit) + 1) : 1n;
  const digits = BigInt(`${whole}${fraction}` || 0) * factor * (sign === '-' ? -1n : 1n);
  const scale = fraction.length - power;
  return scale >= 0
    ? new Quantity(digits, scale, text)
    : new Quantity(digits * 10n ** BigInt(-scale), 0, text);
}

function must<T>(value: T | undefined, why: string): T {
  if (value === undefined) throw new EvaluationError(why);
  return value;
}

const sum = (a: Quantity, b: Quantity, sign: bigint): Quantity => {
  const scale = Math.max(a.scale, b.scale);
  const at = (one: Quantity) => one.digits * 10n ** BigInt(scale - one.scale);
  return new Quantity(at(a) + sign * at(b), scale, '');
};
const quantityOfInt = (value: bigint): Quantity => new Quantity(value, 0, String(value));

function integerOf({ digits, scale }: Quantity): bigint | undefined {
  const unit = 10n ** BigInt(scale);
  const value = digits / unit;
  return digits % unit === 0n && value <= 2n ** 63n - 1n && value >= -(2n ** 63n) ? value : undefined;
}

const quantities: readonly Overload[] = [
  overload('quantity(string):quantity', (text: string) =>
    must(
      parseQuantity(text),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
  ),
  overload('isQuantity(string):bool', (text: string) => parseQuantity(text) !== undefined),
  overload('quantity.sign():int', (a: Quantity) => (a.digits < 0n ? -1n : a.digits > 0n ? 1n : 0n)),
  overload('quantity.isInteger():bool', (a: Quantity) => integerOf(a) !== undefined),
  overload('quantity.asInteger():int', (a: Quantity) =>
    must(integerOf(a), 'cannot convert value to integer'),
  ),
  overload('quantity.asApproximateFloat():double', (a: Quantity) => Number(a.digits) / 10 ** a.scale),
  overload('quantity.add(quantity):quantity', (a: Quantity, b: Quantity) => sum(a, b, 1n)),
  overload('quantity.add(int):quantity', (a: Quantity, b: bigint) => sum(a, quantityOfInt(b), 1n)),
  overload('quantity.sub(quantity):quantity', (a: Quantity, b: Quantity) => sum(a, b, -1n)),
  overload('quantity.sub(int):quantity', (a: Quantity, b: bigint) => sum(a, quantityOfInt(b), -1n)),
  overload(
    'quantity.isGreaterThan(quantity):bool',
    (a: Quantity, b: Quantity) => compareQuantities(a, b) > 0,
  ),
  overload('quantity.isLessThan(quantity):bool', (a: Quantity, b: Quantity) => compareQuantities(a, b) < 0),
  overload('quantity.compareTo(quantity):int', (a: Quantity, b: Quantity) => BigInt(compareQuantities(a, b))),
];

function parseUrl(text: string): Url | undefined {
  if (/[\s\p{Cc}]/u.test(text)) return undefined;
  if (text.startsWith('/'))
    return URL.canParse(text, 'none://none') ? new Url(new URL(text, 'none://none'), text) : undefined;
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) || !URL.canParse(text)) return undefined;
  return new Url(new URL(text), text);
}
/** What the text itself says: the URL class drops ports that are a scheme's own. */
const authority = ({ text }: Url): string => /^[^:/?#]+:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(text)?.[1] ?? '';
const portOf = (url: Url): string => /:(\d+)$/.exec(authority(url))?.[1] ?? '';

function queryOf({ url }: Url): Value {
  const all = new Map<string, string[]>();
  for (const [name, value] of url.searchParams) all.set(name, [...(all.get(name) ?? []), value]);
  return new MapFields([...all].map(([name, values]) => [name, List.of(values)]));
}

const urls: readonly Overload[] = [
  overload('url(string):url', (text: string) =>
    must(
      parseUrl(text),
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
    ),
  ),
  overload('isURL(string):bool', (text: string) => parseUrl(text) !== undefined),
  overload('url.getScheme():string', (a: Url) => (a.text.startsWith('/') ? '' : a.url.protocol.slice(0, -1))),
  overload('url.getHost():string', authority),
  overload('url.getHostname():string', (a: Url) =>
    authority(a)
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1'),
  ),
  overload('url.getPort():string', portOf),
  overload('url.getEscapedPath():string', (a: Url) => /^(?:[^:/?#]+:\/\/[^/?#]*)?([^?#]*)/.exec(a.text)![1]!),
  overload('url.getQuery():map<string,list<string>>', queryOf),
];

const loopback = [parseCidr('127.0.0.0/8')!, parseCidr('::1/128')!];
const linkLocal = [parseCidr('169.254.0.0/16')!, parseCidr('fe80::/10')!];
const linkLocalMulticast = [parseCidr('224.0.0.0/24')!, parseCidr('ff02::/16')!];
const multicast = [parseCidr('224.0.0.0/4')!, parseCidr('ff00::/8')!];
const within =
  (networks: typeof loopback) =>
  ({ ip }: IpValue) =>
    networks.some((network) => contains(network, ip));
const isUnspecified = ({ ip }: IpValue): boolean => ip.value === 0n;
const isBroadcast = ({ ip }: IpValue): boolean => ip.family === 4 && ip.value === 2n ** 32n - 1n;
const cidrText = ({ cidr }: CidrValue): string => `${formatIp(cidr.ip)}/${cidr.prefixLength}`;
const toIp = (text: string): IpValue =>
  new IpValue(
    must(
      parseIp(text),
      `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
    ),
  );
const toCidr = (text: string): CidrValue =>
  new CidrValue(
    must(
      parseCidr(text),
      `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`,
    ),
  );
const holdsCidr = ({ cidr }: CidrValue, { cidr: other }: CidrValue): boolean =>
  other.prefixLength >= cidr.prefixLength && contains(cidr, other.ip);

const addresses: readonly Overload[] = [
  overload('ip(string):ip', toIp),
  overload('isIP(string):bool', (text: string) => parseIp(text) !== undefined),
  overload('ip.isCanonical(string):bool', (text: string) => formatIp(toIp(text).ip) === text),
  overload('string(ip):string', (a: IpValue) => formatIp(a.ip)),
  overload('ip.family():int', (a: IpValue) => BigInt(a.ip.family)),
  overload('ip.isUnspecified():bool', isUnspecified),
  overload('ip.isLoopback():bool', within(loopback)),
  overload('ip.isLinkLocalMulticast():bool', within(linkLocalMulticast)),
  overload('ip.isLinkLocalUnicast():bool', within(linkLocal)),
  overload(
    'ip.isGlobalUnicast():bool',
    (a: IpValue) =>
      !isUnspecified(a) && !isBroadcast(a) && !within([...loopback, ...linkLocal, ...multicast])(a),
  ),
  overload('cidr(string):cidr', toCidr),
  overload('isCIDR(string):bool', (text: string) => parseCidr(text) !== undefined),
  overload('string(cidr):string', cidrText),
  overload('cidr.containsIP(ip):bool', (a: CidrValue, b: IpValue) => contains(a.cidr, b.ip)),
  overload('cidr.containsIP(string):bool', (a: CidrValue, b: string) => contains(a.cidr, toIp(b).ip)),
  overload('cidr.containsCIDR(cidr):bool', holdsCidr),
  overload('cidr.containsCIDR(string):bool', (a: CidrValue, b: string) => holdsCidr(a, toCidr(b))),
  overload('cidr.ip():ip', (a: CidrValue) => new IpValue(a.cidr.ip)),
  overload('cidr.prefixLength():int', (a: CidrValue) => BigInt(a.cidr.prefixLength)),
  overload(
    'cidr.masked():cidr',
    (a: CidrValue) =>
      new CidrValue({
        ip: networkOf(a.cidr),
        prefixLength: Math.min(a.cidr.prefixLength, bitsOf(a.cidr.ip)),
      }),
  ),
];

const ofFormat = (name: string, why: string) => (text: string) => (formatCheck(name)!(text) ? [] : [why]);
const prefixOf = (check: (text: string) => readonly string[]) => (text: string) =>
  check(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
const FORMATS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  dns1123Label: isDNS1123Label,
  dns1123Subdomain: isDNS1123Subdomain,
  dns1035Label: isDNS1035Label,
  qualifiedName: isQualifiedName,
  dns1123LabelPrefix: prefixOf(isDNS1123Label),
  dns1123SubdomainPrefix: prefixOf(isDNS1123Subdomain),
  dns1035LabelPrefix: prefixOf(isDNS1035Label),
  labelValue: isLabelValue,
  uri: ofFormat('uri', 'invalid URI'),
  uuid: ofFormat('uuid', 'does not match the UUID format'),
  byte: ofFormat('byte', 'invalid base64'),
  date: ofFormat('date', 'invalid date'),
  datetime: ofFormat('datetime', 'invalid datetime'),
};

const formats: readonly Overload[] = [
  ...Object.entries(FORMATS).map(([name, check]) =>
    overload(`format.${name}():format`, () => new Format(name, check)),
  ),
  overload(
    'format.named(string):optional<format>',
    (name: string) =>
      new Optional(Object.hasOwn(FORMATS, name) ? new Format(name, FORMATS[name]!) : undefined),
  ),
  overload('format.validate(string):optional<list<string>>', ({ check }: Format, text: string) => {
    const wrong = check(text);
    return new Optional(wrong.length === 0 ? undefined : List.of(wrong));
  }),
];

function parseSemver(text: string): Semver | undefined {
  const match =
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/.exec(
      text,
    );
  return match
    ? new Semver(
        [match[1], match[2], match[3]].map((part) => BigInt(part!)),
        match[4] ?? '',
        text,
      )
    : undefined;
}

function compareSemver(a: Semver, b: Semver): bigint {
  for (let index = 0; index < 3; index++) {
    const [left, right] = [a.core[index]!, b.core[index]!];
    if (left !== right) return left < right ? -1n : 1n;
  }
  if (a.pre === b.pre) return 0n;
  if (a.pre === '' || b.pre === '') return a.pre === '' ? 1n : -1n;
  const [left, right] = [a.pre.split('.'), b.pre.split('.')];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const [x, y] = [left[index]!, right[index]!];
    if (x === y) continue;
    const [isX, isY] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (isX && isY) return BigInt(x) < BigInt(y) ? -1n : 1n;
    if (isX !== isY) return isX ? -1n : 1n;
    return x < y ? -1n : 1n;
  }
  return left.length < right.length ? -1n : 1n;
}

const versions: readonly Overload[] = [
  overload('semver(string):semver', (text: string) =>
    must(parseSemver(text), `semver parse error on ${JSON.stringify(text)}`),
  ),
  overload('isSemver(string):bool', (text: string) => parseSemver(text) !== undefined),
  overload('semver.major():int', (a: Semver) => a.core[0]!),
  overload('semver.minor():int', (a: Semver) => a.core[1]!),
  overload('semver.patch():int', (a: Semver) => a.core[2]!),
  overload('semver.compareTo(semver):int', compareSemver),
  overload('semver.isGreaterThan(semver):bool', (a: Semver, b: Semver) => compareSemver(a, b) > 0n),
  overload('semver.isLessThan(semver):bool', (a: Semver, b: Semver) => compareSemver(a, b) < 0n),
];

export const kubernetes: readonly Overload[] = [
  ...quantities,
  ...urls,
  ...addresses,
  ...formats,
  ...versions,
];
