#!/bin/sh
# What the virtual machine does once it has the host's root file system: prepares itself as a machine that has come up, runs
# the command that it is given, tells its output and exit code, and powers off. It is process 1 there.
# The virtual serial ports `output` and `result` lead to the host; its firmware holds the command.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
exec </dev/null
# Nothing that runs on the host is running here, and its temporary files are not ours.
for directory in /tmp /run /mnt /var/lib/nfs /var/lib/iscsi /etc/iscsi/nodes; do
  mkdir -p "$directory"
  mount -t tmpfs -o mode=1777 tmpfs "$directory"
done
mkdir -p /dev/pts /dev/shm /dev/mqueue /run/lock
mount -t devpts -o ptmxmode=0666,gid=5 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --make-rshared /
hostname stowage-vm
ip link set lo up
modprobe loop
modprobe virtio_console
/lib/systemd/systemd-udevd --daemon
port() {
  for name in /sys/class/virtio-ports/*/name; do
    [ "$(cat "$name")" != "$1" ] || echo "/dev/$(basename "$(dirname "$name")")"
  done
}
result=$(port result)
# A shell waits for every child that it comes to have, also for those that others have left.
modprobe qemu_fw_cfg
sh -c "$(cat /sys/firmware/qemu_fw_cfg/by_name/opt/stowage/command/raw)" >"$(port output)" 2>&1 &
wait $!
echo "exit $?" >"$result"
sync
echo o >/proc/sysrq-trigger
# The kernel powers off in its own time.
while :; do sleep 60; done
