# What a container's process becomes: read from standard input (program.ts says how), with the container's user and
# capabilities, so that neither arguments nor files show the environment's secrets, and without a shell, for an image may have
# none. Loaded by enter.pl.

# $input: the descriptor that the program reads, nothing if there is none. $status: the one that is told of the start.
# $errors: the one that becomes its standard error. Never returns.
sub run_program {
  my ($input, $status, $errors) = @_;
  my @fields = read_fields();
  my $directory = shift @fields;
  my @words = splice @fields, 0, shift @fields;
  %ENV = map { /^([^=]*)=(.*)$/s } @fields;
  chdir $directory or fail(qq{chdir to cwd ("$directory") set in config.json failed: } . lcfirst $!);
  my $program = find_program($words[0]);
  if (!defined $input) {
    open(my $nothing, '<', '/dev/null') or fail("cannot open /dev/null: $!");
    $input = fileno $nothing;
    call('dup3', $input, 0, 0) or fail("cannot take the input: $!");
  } else {
    call('dup3', $input, 0, 0) or fail("cannot take the input: $!");
  }
  if (defined $status) {
    open(my $told, '>&=', $status) or fail("cannot tell of the start: $!");
    syswrite $told, "started\n";
  }
  !defined $errors || call('dup3', $errors, 2, 0) or fail("cannot take the errors: $!");
  call('close_range', 3, 0xffffffff, 0);
  { exec { $program } @words }
  # As a shell says it, and with its code.
  print STDERR "exec $program: " . lcfirst("$!") . "\n";
  exit 126;
}

# The fields of the next line.
sub read_fields {
  my ($count, @fields) = split /\0/, pack('H*', (<STDIN> // '') =~ s/\s+//gr), -1;
  # What is cut off does nothing.
  fail('the start was cut off') if !defined $count || $count eq '' || @fields != $count + 1;
  pop @fields;
  return @fields;
}

# The words are Go's and runc's.
sub find_program {
  my ($name) = @_;
  my $quoted = '"' . ($name =~ s/(["\\])/\\$1/gr) . '"';
  if ($name =~ m{/}) {
    -e $name or fail("exec: $quoted: stat $name: no such file or directory");
    !-d _ && -x _ or fail("exec: $quoted: permission denied");
    return $name;
  }
  for my $directory (split /:/, $ENV{PATH} // '', -1) {
    my $path = ($directory eq '' ? '.' : $directory) . "/$name";
    return $path if -f $path && -x _;
  }
  fail("exec: $quoted: executable file not found in \$PATH");
}

1;
