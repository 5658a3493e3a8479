/** Ends unless the environment names a block device. */
const DEVICE = `
device=$LOCAL_PV_BLKDEVICE
[ -n "$device" ] || { echo 'LOCAL_PV_BLKDEVICE is not set' >&2; exit 1; }
[ -b "$device" ] || { echo "$device is not a block device" >&2; exit 1; }
`;

const times = (otherwise: number) => `
times=\${1:-${otherwise}}
case $times in *[!0-9]*) echo "$times is not a number of times" >&2; exit 1;; esac
`;

/**
 * The cleaners that the image of upstream's provisioner has in /scripts, for a machine that has none there. Each is a shell
 * script whose device is in LOCAL_PV_BLKDEVICE. They give way to whoever else reads and writes.
 */
export const SCRIPTS: Readonly<Record<string, string>> = {
  /** As good as new for whoever looks for a file system: what was in it is not overwritten. */
  '/scripts/quick_reset.sh': `set -e${DEVICE}
ionice -c 3 mkfs -F -q "$device"
ionice -c 3 wipefs -a "$device"
`,
  '/scripts/blkdiscard.sh': `set -e${DEVICE}
blkdiscard -v "$device"
`,
  '/scripts/dd_zero.sh': `set -e${DEVICE}${times(1)}
size=$(blockdev --getsize64 "$device")
while [ "$times" -gt 0 ]; do
  ionice -c 3 dd if=/dev/zero of="$device" bs=1M count="$size" iflag=count_bytes conv=notrunc,fsync
  times=$((times - 1))
done
`,
  '/scripts/shred.sh': `set -e${DEVICE}${times(3)}
ionice -c 3 shred -vzf -n "$times" "$device"
`,
};
