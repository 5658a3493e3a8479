# The session mode of enter.pl: a command in a container whose streams lead to a client. Loaded by enter.pl.
#
#   enter.pl session PID START_TICKS STREAMS IDENTITY...     STREAMS: any of `stdin`, `tty`, with commas between
#
# 0 is what the container's shell reads (command-script.ts), 1 and 2 take the command's output, 3 gives its input; 4 gives
# lines `ROWS COLUMNS`, and its end is the client's, which ends every process of the session; 5 takes what the shell says of
# the start. The command gets pipes or a terminal of the container's own, never our descriptors: those are sockets, which a
# program cannot open again as /dev/stdout.

# enter.pl's.
our (%numbers, $failures);

sub READ_WRITE_NO_TERMINAL() { 02 | 0400 }
sub NON_BLOCKING() { 04000 }
sub F_SETFL() { 4 }
sub TIOCSCTTY() { 0x540E }
sub TIOCSWINSZ() { 0x5414 }
sub TIOCGPTPEER() { 0x5441 }
sub TIOCSPTLCK() { 0x40045431 }
sub EINTR() { 4 }
sub EAGAIN() { 11 }
sub CHUNK() { 65536 }
# Output that another process holds open when the command has ended is waited for no longer than this.
sub DRAIN_SECONDS() { 2 }

sub session {
  my ($pid, $start_ticks, $streams, @identity) = @_;
  my ($with_input, $with_terminal) = map { $streams =~ /\b$_\b/ } qw(stdin tty);
  # The shell's places (6: the start's status, 7: standard error, 8: the command's input) are taken before any is opened.
  call('dup3', 5, $_, 0) for 6 .. 8;
  open($failures, '>&=', 5);
  # While it is the host's: the container's could be anything.
  open(my $nothing, '<', '/dev/null') or fail("cannot open /dev/null: $!");
  # The host's: process numbers are ours there, the container's would be others.
  opendir(my $processes, '/proc') or fail("cannot read /proc: $!");
  enter_namespaces($pid, $start_ticks);

  my ($terminal, @inner, @outer);
  if ($with_terminal) {
    ($terminal, my $side) = open_terminal($identity[0]);
    @inner = ($side, $side, $side);
    @outer = ($terminal, $terminal);
  } else {
    pipe(my $command_in, my $to_command) && pipe(my $from_out, my $out) && pipe(my $from_err, my $err)
      or fail("cannot make pipes: $!");
    @inner = ($with_input ? $command_in : $nothing, $out, $err);
    @outer = ($to_command, $from_out, $from_err);
  }

  my $child = fork // fail("cannot fork: $!");
  if (!$child) {
    call('setsid') or fail("cannot make a session: $!");
    if ($with_terminal) {
      defined ioctl($inner[0], TIOCSCTTY, 0) or fail("cannot take the terminal: $!");
    }
    my ($input, $output, $errors) = map { fileno $_ } @inner;
    call('dup3', $input, 8, 0) && call('dup3', $output, 1, 0) && call('dup3', $errors, 2, 0)
      or fail("cannot hand over the streams: $!");
    chdir '/' or fail("cannot enter the root: $!");
    umask 022;
    # Not closed in what is run.
    $^F = 6;
    open($failures, '>&=', 6);
    call('close_range', 3, 5, 0);
    call('close_range', 9, 0xffffffff, 0);
    become(@identity);
  }
  call('close_range', 0, 0, 0);
  call('close_range', 5, 8, 0);
  close $_ for @inner;

  open(my $client, '<&=', 3) && open(my $control, '<&=', 4) or fail("cannot take the client's streams: $!");
  my @flows = ({ from => $outer[1], to => \*STDOUT, counts => 1, last => 1 });
  push @flows, { from => $outer[2], to => \*STDERR, counts => 1, last => 1 } if !$with_terminal;
  # A terminal stays when its input ends, for its output goes on.
  push @flows, { from => $client, to => $outer[0], last => !$with_terminal } if $with_input;
  close $outer[0] if !$with_input && !$with_terminal;
  exit carry($child, $terminal, $control, $processes, @flows);
}

# A terminal of the container's own: what controls it, and what a program gets of it.
sub open_terminal {
  my ($uid) = @_;
  sysopen(my $terminal, '/dev/ptmx', READ_WRITE_NO_TERMINAL | NON_BLOCKING) or fail("cannot open a terminal: $!");
  my $unlocked = pack('i', 0);
  defined ioctl($terminal, TIOCSPTLCK, $unlocked) or fail("cannot open a terminal: $!");
  my $number = ioctl($terminal, TIOCGPTPEER, READ_WRITE_NO_TERMINAL) // fail("cannot open a terminal: $!");
  open(my $side, '+<&=', 0 + $number) or fail("cannot open a terminal: $!");
  chown 0 + $uid, -1, $side or fail("cannot hand over the terminal: $!");
  return ($terminal, $side);
}

# Carries bytes until the command has ended and its output has been taken, or the client is gone. Reads nothing that has
# not been written on: who does not read holds up who writes. Returns the exit code.
sub carry {
  my ($child, $terminal, $control, $processes, @flows) = @_;
  $SIG{PIPE} = 'IGNORE';
  fcntl($_, F_SETFL, NON_BLOCKING) for map { @$_{qw(from to)} } @flows;
  my $end = syscall($numbers{pidfd_open}, $child, 0);
  my ($code, $sizes) = (undef, '');
  $_->{buffer} = '' for @flows;
  until (defined $code && !grep { $_->{counts} } @flows) {
    my ($readable, $writable) = ('', '');
    vec($readable, fileno $control, 1) = 1;
    vec($readable, $end, 1) = 1 if !defined $code;
    my $waiting = 0;
    for my $flow (@flows) {
      if ($flow->{buffer} ne '') {
        vec($writable, fileno $flow->{to}, 1) = 1;
        $waiting = 1;
      } else {
        vec($readable, fileno $flow->{from}, 1) = 1;
      }
    }
    my $found = select($readable, $writable, undef, defined $code && !$waiting ? DRAIN_SECONDS : undef);
    next if $found < 0;
    last if $found == 0;
    if (vec($readable, fileno $control, 1)) {
      if (!sysread($control, $sizes, CHUNK, length $sizes)) {
        end_session($child, $processes);
        # Whoever takes it over would take its time, and hold up the end of the container.
        waitpid $child, 0;
        return 137;
      }
      while ($sizes =~ s/^(\d+) (\d+)\n//) {
        my $size = pack('S4', $1, $2, 0, 0);
        ioctl($terminal, TIOCSWINSZ, $size) if $terminal;
      }
    }
    @flows = grep { step($_, $readable, $writable) } @flows;
    @flows = grep { defined fileno $_->{from} && defined fileno $_->{to} } @flows;
    if (!defined $code && vec($readable, $end, 1)) {
      waitpid $child, 0;
      $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
      @flows = grep { $_->{counts} } @flows;
    }
  }
  return $code;
}

# One step of a flow; false when it is over.
sub step {
  my ($flow, $readable, $writable) = @_;
  my ($from, $to) = @$flow{qw(from to)};
  if ($flow->{buffer} ne '') {
    return 1 if !vec($writable, fileno $to, 1);
    my $written = syswrite($to, $flow->{buffer});
    if (defined $written) {
      substr($flow->{buffer}, 0, $written) = '';
      return 1;
    }
    return 1 if $! == EAGAIN || $! == EINTR;
  } else {
    return 1 if !vec($readable, fileno $from, 1);
    my $read = sysread($from, $flow->{buffer}, CHUNK);
    return 1 if $read || (!defined $read && ($! == EAGAIN || $! == EINTR));
  }
  # Nobody reads or nobody writes any more: each side learns of the other's end.
  close $from;
  close $to if $flow->{last};
  return 0;
}

# Kills every process of the session, until there is none.
sub end_session {
  my ($session, $processes) = @_;
  chdir $processes or return;
  for (1 .. 100) {
    rewinddir $processes;
    my $found = 0;
    for my $pid (grep { /^\d+$/ } readdir $processes) {
      open(my $stat, '<', "$pid/stat") or next;
      my ($state, undef, undef, $its) = split / /, (<$stat> // '') =~ s/.*\) //r;
      next if ($its // 0) != $session || $state eq 'Z';
      $found = kill('KILL', $pid) || $found;
    }
    last if !$found;
  }
}

1;
