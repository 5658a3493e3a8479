/** What the machine must have, and the Debian package that brings it. */
export const REQUIREMENTS: readonly { readonly what: string; readonly package: string }[] = [
  { what: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  { what: 'a kernel in /boot with its modules', package: 'linux-image-amd64' },
  { what: 'a busybox that needs no libraries', package: 'busybox-static' },
  { what: 'modprobe', package: 'kmod' },
  { what: 'mount.nfs', package: 'nfs-common' },
  { what: 'rpc.nfsd', package: 'nfs-kernel-server' },
  { what: 'tgtd', package: 'tgt' },
  { what: 'iscsiadm', package: 'open-iscsi' },
  { what: 'systemd-udevd', package: 'udev' },
  { what: 'kubectl', package: 'kubernetes-client' },
];

/** What to tell the user; undefined when nothing is missing. */
export function missingAdvice(isThere: (what: string) => boolean): string | undefined {
  const missing = REQUIREMENTS.filter(({ what }) => !isThere(what));
  if (missing.length === 0) return undefined;
  const names = missing.map(({ what }) => what).join(', ');
  const packages = missing.map((requirement) => requirement.package).join(' ');
  return `missing: ${names}; install it with: apt-get install --no-install-recommends ${packages}`;
}
