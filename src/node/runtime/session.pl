# The session mode of enter.pl: a command in a container whose streams lead to a client. Loaded by enter.pl.
#
#   enter.pl session PID START_TICKS CGROUP STREAMS IDENTITY...     STREAMS: any of `stdin`, `tty`, with commas between
#
# 0 says what is run (program.ts), 1 and 2 take the command's output, 3 gives its input; 4 gives
# lines `ROWS COLUMNS`, and its end is the client's, which ends every process of the session; 5 takes what is said
# of the start. The command gets pipes or a terminal of the container's own, never our descriptors: those are sockets, which a
# program cannot open again as /dev/stdout.

# enter.pl's.
our (%numbers, $failures);

sub session {
  my ($pid, $start_ticks, $cgroup, $streams, @identity) = @_;
  my ($with_input, $with_terminal) = map { $streams =~ /\b$_\b/ } qw(stdin tty);
  # The program's places (6: the start's status, 7: standard error, 8: the command's input) are taken before any is opened.
  call('dup3', 5, $_, 0) for 6 .. 8;
  open($failures, '>&=', 5);
  # While it is the host's: the container's could be anything.
  open(my $nothing, '<', '/dev/null') or fail("cannot open /dev/null: $!");
  # The host's: process numbers are ours there, the container's would be others.
  opendir(my $processes, '/proc') or fail("cannot read /proc: $!");
  my @cgroup = hold_cgroup($cgroup, $pid);
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
    join_cgroup(@cgroup);
    lead_session($with_terminal ? $inner[0] : undef);
    my ($input, $output, $errors) = map { fileno $_ } @inner;
    call('dup3', $input, 8, 0) && call('dup3', $output, 1, 0) && call('dup3', $errors, 2, 0)
      or fail("cannot hand over the streams: $!");
    chdir '/' or fail("cannot enter the root: $!");
    umask 022;
    # Not closed in what is run.
    $^F = 6;
    # Another handle: one that is open would keep its number.
    open(my $report, '>&=', 6);
    $failures = $report;
    call('close_range', 3, 5, 0);
    call('close_range', 9, 0xffffffff, 0);
    become(@identity);
    run_program(8, 6);
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
  exit carry($child, $terminal, $control, sub { end_session($child, $processes) }, @flows);
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
