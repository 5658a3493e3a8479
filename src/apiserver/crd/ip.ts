/** An IP address as a number. */
export interface Ip {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** An address with the length of its network's prefix; `ip` keeps the host's bits. */
export interface Cidr {
  readonly ip: Ip;
  readonly prefixLength: number;
}

/** An address as Go's net.ParseIP takes it: no leading zeros, no zone. */
export function parseIp(text: string): Ip | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Ip | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return { family: 4, value: BigInt(parts.reduce((all, part) => all * 256 + Number(part), 0)) };
}

function parseIpv6(text: string): Ip | undefined {
  let groups = text;
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail) {
    const last = parseIpv4(tail[2]!);
    if (!last) return undefined;
    groups = `${tail[1]}${(last.value >> 16n).toString(16)}:${(last.value & 0xffffn).toString(16)}`;
  }
  const halves = groups.split('::');
  if (halves.length > 2) return undefined;
  const [head, rest] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[]?];
  const known = head.length + (rest?.length ?? 0);
  if (rest ? known > 7 : known !== 8) return undefined;
  const all = [...head, ...Array<string>(8 - known).fill('0'), ...(rest ?? [])];
  if (!all.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined;
  return { family: 6, value: all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}

/** A network as Go's net.ParseCIDR takes it. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const ip = match ? parseIp(match[1]!) : undefined;
  if (!ip) return undefined;
  const prefixLength = Number(match![2]);
  return prefixLength <= bitsOf(ip) ? { ip, prefixLength } : undefined;
}

export function bitsOf(ip: Ip): number {
  return ip.family === 4 ? 32 : 128;
}

/** The address without the bits of the host. */
export function networkOf({ ip, prefixLength }: Cidr): Ip {
  const shift = BigInt(bitsOf(ip) - prefixLength);
  return { family: ip.family, value: (ip.value >> shift) << shift };
}

export function contains(network: Cidr, ip: Ip): boolean {
  if (network.ip.family !== ip.family) return false;
  const shift = BigInt(bitsOf(ip) - network.prefixLength);
  return network.ip.value >> shift === ip.value >> shift;
}

/** The canonical form (RFC 5952). */
export function formatIp({ family, value }: Ip): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((value >> BigInt(112 - 16 * index)) & 0xffffn),
  );
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  if (best.start < 0) return text(0, 8);
  return `${text(0, best.start)}::${text(best.start + best.length, 8)}`;
}
