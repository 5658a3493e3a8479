# The terminal mode of enter.pl: stands between a container and its terminal, in the place of the shell that waits for the
# container otherwise. Loaded by enter.pl.
#
#   enter.pl terminal STATE_DIR RUNTIME_DIR ARGUMENT...     as shim.sh, in the container's mount namespace, outside its
#                                                           PID namespace
#
# The container makes the terminal, for it must be one of its own; we take its other end from it by pidfd_getfd(2). What
# comes out goes to 1; what comes in is read from the FIFO `stdin`, sizes from `resize`: so clients come and go, and so does
# the agent.

# enter.pl's.
our (%numbers, $failures);

sub AF_UNIX() { 1 }
sub SOCK_STREAM() { 1 }

sub terminal {
  my ($state, $runtime, @arguments) = @_;
  # Opened while the paths mean something: the container's root becomes ours too. For reading and writing, so that they
  # never come to an end.
  my $client;
  !-p "$state/stdin" or open($client, '+<', "$state/stdin") or fail("cannot open the container's input: $!");
  open(my $sizes, '+<', "$state/resize") or fail("cannot open the terminal's sizes: $!");
  socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0) or fail("cannot make a socket: $!");
  my $child = fork // fail("cannot fork: $!");
  if (!$child) {
    hand_over($theirs, 9) or fail("cannot hand over the socket: $!");
    exec('/bin/sh', "$runtime/init.sh", $state, $runtime, @arguments) or fail("cannot start /bin/sh: $!");
  }
  close $theirs;
  $SIG{$_} = 'IGNORE' for qw(HUP INT TERM);
  # What is read on standard input is the container's.
  close STDIN;
  my $number = <$ours>;
  if (!defined $number) {
    # It says itself what went wrong.
    waitpid $child, 0;
    exit exit_code($?);
  }
  my $process = syscall($numbers{pidfd_open}, $child, 0);
  my $descriptor = syscall($numbers{pidfd_getfd}, $process, 0 + $number, 0);
  fail("cannot take the terminal: $!") if $descriptor < 0;
  open(my $terminal, '+<&=', $descriptor) or fail("cannot take the terminal: $!");
  close $ours;
  my @flows = ({ from => $terminal, to => \*STDOUT, counts => 1, last => 1 });
  push @flows, { from => $client, to => $terminal } if $client;
  exit carry($child, $terminal, $sizes, sub { kill 'KILL', $child }, @flows);
}

# The container's side: makes the terminal, gives its other end away, and returns what is the program's.
sub give_terminal {
  my ($uid) = @_;
  my ($terminal, $side) = open_terminal($uid);
  open(my $holder, '+<&=', 9) or fail("cannot hand over the terminal: $!");
  syswrite $holder, fileno($terminal) . "\n";
  # Until it has been taken.
  sysread $holder, my $end, 1;
  lead_session($side);
  return $side;
}

1;
