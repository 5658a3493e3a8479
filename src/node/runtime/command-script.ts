import { shellQuote } from './quote.ts';

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names to which a shell gives a meaning, or which it refuses to set. */
const SHELL_NAMES = new Set([
  'BASHOPTS',
  'BASH_ENV',
  'ENV',
  'EUID',
  'IFS',
  'LINENO',
  'OPTIND',
  'PPID',
  'SHELLOPTS',
  'UID',
  '_',
]);

/**
 * The second half of a container's start: sets directory and environment and becomes the program. It is read by a shell
 * from a pipe, in the container, with the container's user: so neither arguments nor files show the environment's
 * secrets, and nothing in the environment bears upon the set-up. All of it is one function, called in the last line: a
 * script that is cut off does nothing.
 *
 * File descriptor 6 is the status file, 7 the container's standard error.
 */
export function commandScript(options: {
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly workingDir: string;
  /** The descriptor that the program reads. @default nothing to read */
  readonly input?: 8;
}): string {
  const [program = ''] = options.command;
  const exports: string[] = [];
  const assignments: string[] = [];
  for (const [name, value] of options.environment) {
    if (IDENTIFIER.test(name) && !SHELL_NAMES.has(name)) exports.push(`export ${name}=${shellQuote(value)}`);
    else assignments.push(shellQuote(`${name}=${value}`));
  }
  const words = options.command.map(shellQuote).join(' ');
  const run = assignments.length > 0 ? `env ${assignments.join(' ')} ${words}` : words;
  const quoted = shellQuote(JSON.stringify(program));
  return `fail() { printf 'error %s\\n' "$1" >&6; exit 128; }
start() {
cd ${shellQuote(options.workingDir)} || fail ${shellQuote(`chdir to cwd (${JSON.stringify(options.workingDir)})`)}
unset PWD OLDPWD LC_ALL
${exports.join('\n')}
case ${shellQuote(program)} in
*/*)
  [ -e ${shellQuote(program)} ] || fail "exec: "${quoted}": stat ${escapeDouble(program)}: no such file or directory"
  [ ! -d ${shellQuote(program)} ] && [ -x ${shellQuote(program)} ] || fail "exec: "${quoted}": permission denied" ;;
*) command -v -- ${shellQuote(program)} >/dev/null || fail "exec: "${quoted}": executable file not found in \\$PATH" ;;
esac
echo started >&6
exec 2>&7 6>&- 7>&-
exec ${run} ${options.input ? '<&8 8<&-' : '</dev/null'}
}
start
`;
}

function escapeDouble(text: string): string {
  return text.replace(/["\\$`]/g, '\\$&');
}
