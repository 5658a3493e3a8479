#!/usr/bin/perl
# Goes into a container and gives up what the container may not have, in one process that runs nothing of the container
# before: neither a program nor a library, for what is there is the container's to change. No tool of util-linux does
# both. Loaded whole from the host; no module is loaded later.
#
#   enter.pl start STATE_DIR ROOT CONCEALED CGROUP WORKING_DIR READ_ONLY_ROOT STREAMS IDENTITY...
#                                                                                  as a container's first process
#   enter.pl terminal ...                                                          before it (terminal.pl)
#   enter.pl exec PID START_TICKS CGROUP IDENTITY...                               beside process 1, from outside
#   enter.pl session PID START_TICKS CGROUP STREAMS IDENTITY...                    likewise, with streams (session.pl)
#   enter.pl sweep MOUNT_NAMESPACE                                                 kills what is in a container
#
# CGROUP: the directory of the container's control group, empty if it has none.
# STREAMS: any of `stdin`, `tty`, with commas between. IDENTITY: UID GID GROUP,... CAPABILITY,...|all NO_NEW_PRIVILEGES.
# What is run then is read from standard input (program.pl), as are the volumes before it.
#
# No module is loaded, strict and warnings neither (a test looks by them): they would cost three times what all this does.

# Where it is told why this failed. @default standard error
our $failures;
# System calls whose number depends on the architecture (the others have one number everywhere): the machine for which
# this very program was made, 62 is x86-64 (elf(5), e_machine).
open(my $program, '<', '/proc/self/exe') or fail("cannot read /proc/self/exe: $!");
sysread($program, my $header, 20) or fail("cannot read /proc/self/exe: $!");
close $program;
our %numbers = unpack('x18v', $header) == 62
  ? (umount => 166, pivot_root => 155, mount => 165, prctl => 157, setns => 308, setgroups => 116, setresuid => 117,
     setresgid => 119, capget => 125, capset => 126, setsid => 112, dup3 => 292, exit_group => 231, unshare => 272)
  : (umount => 39, pivot_root => 41, mount => 40, prctl => 167, setns => 268, setgroups => 159, setresuid => 147,
     setresgid => 149, capget => 90, capset => 91, setsid => 157, dup3 => 24, exit_group => 94, unshare => 97);
@numbers{qw(open_tree move_mount pidfd_open close_range pidfd_getfd mount_setattr)} = (428, 429, 434, 436, 438, 442);

sub AT_FDCWD() { -100 }
sub AT_EMPTY_PATH() { 0x1000 }
sub AT_RECURSIVE() { 0x8000 }
sub OPEN_TREE_CLONE() { 1 }
sub OPEN_TREE_CLOEXEC() { 0x80000 }
sub MOVE_FROM_EMPTY_PATH() { 0x4 }
sub MOVE_TO_FOLLOWING_LINKS() { 0x10 }
sub READ_ONLY() { 1 }
sub NO_SUID() { 2 }
sub NO_DEVICES() { 4 }
sub NO_EXEC() { 8 }
sub PRIVATE() { 1 << 18 }
sub SLAVE() { 1 << 19 }
sub MNT_DETACH() { 2 }
sub NEW_CGROUP_NAMESPACE() { 0x2000000 }
sub PR_SET_PDEATHSIG() { 1 }
sub PR_CAPBSET_DROP() { 24 }
sub PR_SET_NO_NEW_PRIVS() { 38 }
sub PR_CAP_AMBIENT() { 47 }
sub PR_CAP_AMBIENT_CLEAR_ALL() { 4 }
sub CAPABILITY_VERSION_3() { 0x20080522 }
sub SIGKILL() { 9 }
sub EPERM() { 1 }
sub EINVAL() { 22 }
sub O_CREATE() { 0100 }
sub F_SETFD() { 2 }
# More than the node waits for the volumes of a pod.
sub ORDER_SECONDS() { 150 }

# What shows or changes the whole machine: the defaults of containerd and runc. A write to /proc/sys asks for user 0, not
# for a capability: kernel.core_pattern alone would be the host.
my @read_only = qw(/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger);
my @hidden = qw(/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug
  /proc/scsi /proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware);

my %modes = (start => \&start, terminal => \&terminal, exec => \&enter, session => \&session, sweep => \&sweep);
my $word = shift @ARGV // '';
my $mode = $modes{$word} or fail("enter.pl: no such mode: $word");
# Before anything is entered, and only where it is needed: it is the host's.
load($_) for {
  start => $word eq 'start' && $ARGV[6] =~ /\btty\b/ ? [qw(program streams terminal)] : ['program'],
  terminal => [qw(streams terminal)],
  exec => ['program'],
  session => [qw(program streams session)],
}->{$word}->@*;
$mode->(@ARGV);

sub load {
  my ($name) = @_;
  do($0 =~ s{[^/]*$}{$name.pl}r) or fail("cannot load $name.pl: $@$!");
}

sub start {
  my ($state, $root, $concealed, $cgroup, $working_directory, $read_only_root, $streams, @identity) = @_;
  my $privileged = $identity[3] eq 'all';
  umask 022;
  my @concealed = map { $_->{fields}[0] } records($concealed, 1);
  open(my $inside, '<', '/proc/self/ns/mnt') or fail("cannot hold the container's mounts: $!");
  # From here on what is used counts against the container's limits.
  join_cgroup(hold_cgroup($cgroup));

  chdir $root or fail("cannot enter the root: $!");
  # The old root is stacked upon the new one, and taken off at once: no path leads to the host from here on. Detached in
  # this namespace, the host's mounts (other pods' volumes among them) are nobody's here any more.
  call('pivot_root', '.', '.') or fail("cannot change the root: $!");
  call('umount', '.', MNT_DETACH) or fail("cannot let go of the host's root: $!");
  chdir '/' or fail("cannot enter the root: $!");

  # While nothing of the container's is in /dev.
  my $terminal = $streams =~ /\btty\b/ ? give_terminal($identity[0]) : undef;
  hide($_) for @concealed;
  show_cgroup($privileged) if $cgroup ne '';
  unless ($privileged) {
    for my $path (grep { -e } @read_only) {
      place(tree($path, 0), $path, READ_ONLY);
    }
    hide($_) for @hidden;
  }
  # What comes now was perhaps not there yet when all this began.
  my @volumes = wanted_volumes();
  take_volumes($privileged, $inside, @volumes);
  for my $volume (@volumes) {
    my (undef, $target, $options) = @{ $volume->{fields} };
    $options =~ /\bfile\b/ ? make_file($target) : make_directory($target);
    place($volume->{tree}, $target, $options =~ /\bro\b/ ? READ_ONLY : 0);
  }
  make_directory($working_directory);
  if ($read_only_root eq 'true') {
    set_attributes(AT_FDCWD, '/', 0, READ_ONLY, 0) or fail("cannot make the root read-only: $!");
  }
  # 6 is told of the start, 7 is the container's standard error, 8 its input. Whatever else was open in those who started us
  # is not the container's.
  if ($terminal) {
    hand_over($terminal, $_) or fail("cannot take the terminal: $!") for 8, 7, 1;
  }
  # A program may open its /dev/stdout again.
  my $uid = 0 + $identity[0];
  !$uid || chown $uid, -1, map { "/proc/self/fd/$_" } grep { -p "/proc/self/fd/$_" } 1, 7, 8;
  call('close_range', 3, 5, 0);
  call('close_range', $streams eq '' ? 8 : 9, 0xffffffff, 0);
  become(@identity);
  run_program($streams eq '' ? undef : 8, 6, 7);
}

# Takes hold of a container's control group while the host's paths mean something: the list of its processes, and the
# namespace of the process that is in it, if it is named. The file is opened by whom may move processes, wherever they are then.
sub hold_cgroup {
  my ($directory, $pid) = @_;
  return if $directory eq '';
  open(my $processes, '>', "$directory/cgroup.procs") or fail("cannot enter the control group: $!");
  return $processes if !defined $pid;
  open(my $namespace, '<', "/proc/$pid/ns/cgroup") or fail("cannot enter the container: $!");
  return ($processes, $namespace);
}

# Into a control group that is held, and into its namespace or a new one: it is the root of all that is seen of groups.
sub join_cgroup {
  my ($processes, $namespace) = @_;
  return if !$processes;
  syswrite($processes, "0\n") or fail("cannot enter the control group: $!");
  close $processes;
  my $done = $namespace ? call('setns', fileno $namespace, 0) : call('unshare', NEW_CGROUP_NAMESPACE);
  $done or fail("cannot enter the control group: $!");
}

# Programs look there for what they may use.
sub show_cgroup {
  my ($privileged) = @_;
  my $flags = NO_SUID | NO_DEVICES | NO_EXEC | ($privileged ? 0 : READ_ONLY);
  call('mount', 'cgroup', '/sys/fs/cgroup', 'cgroup2', $flags, 0) or fail("cannot mount /sys/fs/cgroup: $!");
}

# Into the namespaces of a process, which must be the one that was meant.
sub enter_namespaces {
  my ($pid, $start_ticks) = @_;
  my @namespaces = map {
    open(my $handle, '<', "/proc/$pid/ns/$_") or fail("cannot enter the container: $!");
    $handle;
  } qw(uts ipc pid mnt);
  # Now that they are held: still the process that was meant, or another that has got its number?
  open(my $stat, '<', "/proc/$pid/stat") or fail("cannot enter the container: $!");
  my ($fields) = <$stat> =~ /.*\) (.*)/;
  fail('cannot enter the container: it has ended') if (split / /, $fields)[19] ne $start_ticks;
  for (@namespaces) {
    call('setns', fileno $_, 0) or fail("cannot enter the container: $!");
  }
}

sub enter {
  my ($pid, $start_ticks, $cgroup, @identity) = @_;
  my @cgroup = hold_cgroup($cgroup, $pid);
  enter_namespaces($pid, $start_ticks);
  # Only a child is in the PID namespace.
  my $child = fork // fail("cannot fork: $!");
  if ($child) {
    waitpid $child, 0;
    exit exit_code($?);
  }
  join_cgroup(@cgroup);
  chdir '/' or fail("cannot enter the root: $!");
  umask 022;
  call('close_range', 3, 0xffffffff, 0);
  become(@identity);
  run_program();
}

# The container's user, groups and capabilities.
sub become {
  my ($uid, $gid, $groups, $capabilities, $no_new_privileges) = @_;
  my %kept = map { $_ => 1 } split /,/, $capabilities;
  if ($capabilities ne 'all') {
    for my $capability (0 .. 63) {
      next if $kept{$capability} || call('prctl', PR_CAPBSET_DROP, $capability, 0, 0, 0);
      # The kernel knows no more.
      last if $! == EINVAL;
      fail("cannot drop capability $capability: $!");
    }
  }
  my @groups = split /,/, $groups;
  # In a user namespace that an ordinary user has made, groups cannot be changed at all (user_namespaces(7)).
  call('setgroups', scalar @groups, pack('L*', @groups)) or !@groups && $! == EPERM
    or fail("cannot set the groups: $!" . ($! == EPERM ? '; a user namespace of an ordinary user does not allow it' : ''));
  call('setresgid', 0 + $gid, 0 + $gid, 0 + $gid) or fail("cannot become group $gid: $!" . stranger());
  call('setresuid', 0 + $uid, 0 + $uid, 0 + $uid) or fail("cannot become user $uid: $!" . stranger());
  # Before the program is: one whose capabilities change with it may not be looked at by its own children.
  limit_capabilities($capabilities eq 'all' ? undef : \%kept);
  if ($no_new_privileges) {
    call('prctl', PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or fail("cannot forbid new privileges: $!");
  }
  # Without the process that waits for it a container's end would go unseen.
  call('prctl', PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) or fail("cannot be bound to the parent: $!");
}

# An identity that a user namespace does not have (setuid(2), EINVAL).
sub stranger {
  return $! == EINVAL ? '; this user namespace does not have it' : '';
}

# No more than these, and none that would outlive the next exec beside the bounding set.
sub limit_capabilities {
  my ($kept) = @_;
  call('prctl', PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) or fail("cannot clear capabilities: $!");
  my $header = pack('Ll', CAPABILITY_VERSION_3, 0);
  my $data = "\0" x 24;
  # Not by call: it would be a copy that is written to.
  syscall($numbers{capget}, $header, $data) >= 0 or fail("cannot read capabilities: $!");
  my @words = unpack('L6', $data);
  @words[2, 5] = (0, 0);
  if ($kept) {
    my @mask = (0, 0);
    $mask[$_ >> 5] |= 1 << ($_ & 31) for keys %$kept;
    $words[$_] &= $mask[$_ / 3] for 0, 1, 3, 4;
  }
  call('capset', $header, pack('L6', @words)) or fail("cannot clear capabilities: $!");
}

# The order (program.ts): what volumes there are, and then what is to be run. It is waited for as long as its sender may have to
# wait himself; when he has died, nobody sends it any more.
sub wanted_volumes {
  my $order = '';
  vec($order, fileno STDIN, 1) = 1;
  select($order, undef, undef, ORDER_SECONDS) > 0 or fail('nobody has said what is to be run');
  my @fields = read_fields();
  my @volumes;
  push @volumes, { fields => [splice @fields, 0, 3] } while @fields;
  return @volumes;
}

# In the host's mount namespace, which 5 is: the container's own knows nothing of what was mounted since, and every mount in
# it is a slave.
sub take_volumes {
  my ($privileged, $inside, @volumes) = @_;
  call('setns', 5, 0) or fail("cannot reach the host's mounts: $!");
  for my $volume (@volumes) {
    my ($source, undef, $options) = @{ $volume->{fields} };
    require_shared($source) if $options =~ /\bshared\b/;
    $volume->{tree} = volume_tree($volume, $privileged);
  }
  call('setns', fileno $inside, 0) or fail("cannot return to the container's mounts: $!");
}

sub volume_tree {
  my ($volume, $privileged) = @_;
  my ($source, undef, $options) = @{ $volume->{fields} };
  my $tree = tree($source, AT_RECURSIVE);
  # No device controller keeps the container from the devices that a volume may hold.
  my $attributes = $privileged || $options =~ /\bdevice\b/ ? 0 : NO_DEVICES;
  $attributes |= READ_ONLY if $options =~ /\brro\b/;
  my $propagation = $options =~ /\bshared\b/ ? 0 : $options =~ /\bslave\b/ ? SLAVE : PRIVATE;
  set_attributes($tree, '', AT_EMPTY_PATH | AT_RECURSIVE, $attributes, $propagation)
    or fail("cannot mount the volumes: $source: $!");
  return $tree;
}

# The words are containerd's.
sub require_shared {
  my ($path) = @_;
  open(my $table, '<', '/proc/self/mountinfo') or fail("cannot read the mounts: $!");
  my ($at, $shared) = ('', 0);
  while (my $line = <$table>) {
    my ($target, $rest) = $line =~ m{^(?:\S+ ){4}(\S+) \S+(.*?) - };
    $target =~ s/\\([0-7]{3})/chr oct $1/ge;
    my $prefix = $target eq '/' ? '/' : "$target/";
    next if length $target < length $at || index("$path/", $prefix) != 0;
    ($at, $shared) = ($target, $rest =~ /\bshared:/);
  }
  $shared or fail(qq{path "$path" is mounted on "$at" but it is not a shared mount});
}

# A copy of what is seen at a path, mounted nowhere yet.
sub tree {
  my ($path, $recursive) = @_;
  my $tree = syscall($numbers{open_tree}, AT_FDCWD, $path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | $recursive);
  fail("cannot mount the volumes: $path: $!") if $tree < 0;
  return $tree;
}

sub place {
  my ($tree, $target, $attributes) = @_;
  (!$attributes || set_attributes($tree, '', AT_EMPTY_PATH, $attributes, 0))
    && call('move_mount', $tree, '', AT_FDCWD, $target, MOVE_FROM_EMPTY_PATH | MOVE_TO_FOLLOWING_LINKS)
    or fail("cannot mount the volumes: $target: $!");
}

# Covers a path, so that nothing is seen of what is there.
sub hide {
  my ($path) = @_;
  if (-d $path) {
    call('mount', 'tmpfs', $path, 'tmpfs', READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC, 'size=4k,mode=755')
      or fail("cannot hide $path: $!");
  } elsif (-e _) {
    place(tree('/dev/null', 0), $path, 0);
  }
}

sub set_attributes {
  my ($directory, $path, $flags, $attributes, $propagation) = @_;
  my $argument = pack('Q4', $attributes, 0, $propagation, 0);
  return call('mount_setattr', $directory, $path, $flags, $argument, length $argument);
}

sub make_directory {
  my ($path) = @_;
  return if -d $path;
  make_directory($1) if $path =~ m{^(.*[^/])/+[^/]+/*$};
  return if mkdir $path, 0755;
  my $why = $!;
  -d $path or fail("cannot make the directory $path: $why");
}

# Where a file is to be bound. The words for what stands in the way are the system's.
sub make_file {
  my ($path) = @_;
  return if -e $path;
  make_directory($1) if $path =~ m{^(.*[^/])/+[^/]+$};
  sysopen(my $file, $path, O_CREATE, 0644) or fail("cannot make the file $path: $!");
}

# A file of fields that each end with a zero byte, so many to a record.
sub records {
  my ($path, $size) = @_;
  open(my $file, '<', $path) or fail("cannot read $path: $!");
  local $/;
  my @fields = split /\0/, <$file> // '', -1;
  pop @fields;
  my @records;
  push @records, { fields => [splice @fields, 0, $size] } while @fields;
  return @records;
}

# Kills every process in a mount namespace, until there is none. What has a PID namespace of its own needs no such thing.
sub sweep {
  my ($namespace) = @_;
  for (1 .. 100) {
    opendir(my $processes, '/proc') or fail("cannot read /proc: $!");
    my @found = grep { (readlink "/proc/$_/ns/mnt" // '') eq $namespace } grep { /^\d+$/ } readdir $processes;
    @found = grep { $_ != $$ } @found or exit 0;
    kill 'KILL', @found;
  }
  fail('cannot end the processes of the container');
}

# Makes a file a descriptor of what is run.
sub hand_over {
  my ($file, $number) = @_;
  return fileno $file == $number ? fcntl($file, F_SETFD, 0) : call('dup3', fileno $file, $number, 0);
}

sub exit_code {
  my ($status) = @_;
  return $status & 127 ? 128 + ($status & 127) : $status >> 8;
}

sub call {
  my ($name, @arguments) = @_;
  return syscall($numbers{$name}, @arguments) >= 0;
}

sub fail {
  my ($why) = @_;
  my $told = $failures // \*STDERR;
  syswrite $told, "error $why\n";
  # At once: the files that are closed already would be complained of.
  call('exit_group', 125);
}
