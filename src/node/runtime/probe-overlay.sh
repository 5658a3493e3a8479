#!/bin/sh
# Whether the host's root can be the lower layer of an overlay: probe-overlay.sh MOUNT_POINT, in a mount namespace of its own.
mount -n -t tmpfs -o size=1m tmpfs "$1" && cd "$1" && mkdir upper work rootfs &&
  mount -n -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay "$1/rootfs" &&
  [ -d rootfs/etc ]
