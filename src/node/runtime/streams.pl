# Terminals, and the carrying of bytes: what session.pl and terminal.pl have in common. Loaded by enter.pl.

# enter.pl's.
our %numbers;

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

# Carries bytes until the command has ended and its output has been taken. Reads nothing that has not been written on: who
# does not read holds up who writes. $control gives lines `ROWS COLUMNS`; at its end $abandoned ends the command. Returns
# the exit code.
sub carry {
  my ($child, $terminal, $control, $abandoned, @flows) = @_;
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
        $abandoned->();
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
      $code = exit_code($?);
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

# Begins a session, whose terminal this is, if it has one.
sub lead_session {
  my ($side) = @_;
  call('setsid') or fail("cannot make a session: $!");
  !$side || defined ioctl($side, TIOCSCTTY, 0) or fail("cannot take the terminal: $!");
}

1;
