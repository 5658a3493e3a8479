#!/bin/busybox sh
# The virtual machine's first program: makes the host's root file system its own, read-only under an overlay in memory, and
# goes on with guest.sh there. The kernel's command line says where that is: stowage.guest=PATH.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
exec >/dev/console 2>&1
for module in /modules/*; do
  $b insmod "$module" || echo "cannot load $module"
done
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro root /lower || echo 'cannot mount the root'
$b mount -t tmpfs -o mode=755 space /space
$b mkdir /space/upper /space/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/space/upper,workdir=/space/work overlay /root || echo 'no overlay'
for directory in proc sys dev; do
  $b mount --move /$directory /root/$directory
done
guest=$($b sed -n 's/.*stowage\.guest=\([^ ]*\).*/\1/p' /root/proc/cmdline)
exec $b switch_root /root /bin/sh "$guest"
