#!/bin/sh
# The first half of a container's start, as its first process; arguments as shim.sh's. Builds the root file system on a
# tmpfs that only this mount namespace sees. enter.pl makes it the root, with the volumes in it, and becomes what standard
# input says, with the container's user and capabilities.
# Settings: unshare, scratch, hostname, base, fstab, concealed, cgroup, oom_score.
state=$1 runtime=$2
shift 2
. "$state/settings"
# /proc is the host's still: this is our number outside.
read -r stat </proc/self/stat
echo "init $stat" >&6
[ "$unshare" = '--pid --ipc' ] || echo "mounts $(readlink /proc/self/ns/mnt)" >&6
fail() {
  echo "error $1" >&6
  exit 125
}
exec 2>&6
root=$runtime/root
mount -n -t tmpfs -o "size=$scratch,mode=755" tmpfs "$root" || fail "cannot mount the scratch space"
cp -a "$base/." "$state/files/." "$root/" || fail "cannot fill the scratch space"
cd "$root" || fail "cannot enter the scratch space"
mount -n -a -T "$fstab" || fail "cannot build the root file system"
# The file is the machine's root's; in a user namespace only the system call is left.
{ echo "$hostname" >/proc/sys/kernel/hostname; } 2>/dev/null || hostname "$hostname" || fail "cannot set the host name"
command -v perl >/dev/null || fail "perl: command not found; install the Debian package perl-base"
# Lower than ours is for whom may (CAP_SYS_RESOURCE).
[ -z "$oom_score" ] || { echo "$oom_score" >/proc/self/oom_score_adj; } 2>/dev/null
exec perl "$runtime/enter.pl" start "$state" "$root/rootfs" "$concealed" "$cgroup" "$@"
