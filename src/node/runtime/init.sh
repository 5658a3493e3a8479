#!/bin/sh
# The first half of a container's start, as process 1 of its namespaces; arguments as shim.sh's. Builds the root file
# system on a tmpfs that only this mount namespace sees, makes it the root, lets go of everything of the host's, and
# hands over to the second half on standard input with the container's user and capabilities.
state=$1 runtime=$2 scratch=$3 hostname=$4 workdir=$5 readonly=$6
shift 6
# /proc is the host's still: this is our number outside.
read -r stat </proc/self/stat
echo "init $stat" >&6
fail() {
  echo "error $1" >&6
  exit 125
}
exec 2>&6
root=$runtime/root
mount -n -t tmpfs -o "size=$scratch,mode=755" tmpfs "$root" || fail "cannot mount the scratch space"
cp -a "$runtime/base/." "$state/files/." "$root/" || fail "cannot fill the scratch space"
cd "$root" || fail "cannot enter the scratch space"
mount -n -a -T "$runtime/fstab" || fail "cannot build the root file system"
echo "$hostname" >/proc/sys/kernel/hostname || fail "cannot set the host name"
cd rootfs && pivot_root . mnt || fail "cannot change the root"
cd / || fail "cannot enter the root"
# From here on paths, and the links in them, are the container's; the host's are below /mnt.
if [ -s "/mnt$state/fstab" ]; then
  mount -n -a -T "/mnt$state/fstab" || fail "cannot mount the volumes"
fi
# Detached in this namespace, the host's mounts (other pods' volumes among them) are nobody's here any more.
umount -n -l /mnt || fail "cannot let go of the host's root"
[ -d "$workdir" ] || mkdir -p -- "$workdir" || fail "cannot make the working directory $workdir"
if [ "$readonly" = true ]; then
  mount -n -o remount,ro / || fail "cannot make the root read-only"
fi
exec setpriv "$@" /bin/sh -s
