/** Which streams a client wants; in the kubelet's own parameters. */
export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** @throws Error when nothing is wanted (remotecommand.NewOptions). */
export function parseStreamOptions(query: URLSearchParams): StreamOptions {
  const is = (name: string) => query.get(name) === '1';
  const tty = is('tty');
  const options = { stdin: is('input'), stdout: is('output'), stderr: is('error') && !tty, tty };
  if (!options.stdin && !options.stdout && !options.stderr)
    throw new Error('you must specify at least 1 of stdin, stdout, stderr');
  return options;
}
