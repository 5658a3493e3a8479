/**
 * The value of a variable in a file of lines like NAME='value'; '' where the file does not set it. Values are in single
 * quotes, which may hold line breaks and mean nothing but themselves; blank lines and comments are passed over, also
 * behind a value. What comes after the variable is not looked at. Rules and messages: ParseEnv, pkg/kubelet/util/env.
 */
export function environmentFileValue(text: string, key: string): string {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  for (let index = 0; index < lines.length; index++) {
    const line = trimStart(lines[index]!);
    if (line === '' || line.startsWith('#')) continue;
    const refused = (why: string) =>
      new Error(`invalid environment variable format at line ${index + 1}: ${why}`);
    const equals = line.indexOf('=');
    if (equals < 0) throw refused("missing '='");
    const name = line.slice(0, equals).replace(/[ \t]+$/, '');
    if (name === '') throw refused('empty variable name');
    if (name.length !== equals) throw refused("whitespace before '=' is not allowed");
    let rest = line.slice(equals + 1);
    // As in a shell: the value is empty, what comes behind the blank is not looked at.
    if (/^[ \t]/.test(rest)) {
      if (name === key) return '';
      continue;
    }
    if (!rest.startsWith("'")) throw refused('value must be enclosed in single quotes');
    rest = rest.slice(1);
    const begunAt = index + 1;
    let value = '';
    let closing = rest.indexOf("'");
    while (closing < 0) {
      value += `${rest}\n`;
      if (++index === lines.length)
        throw new Error(
          `invalid environment variable format starting at line ${begunAt}: unclosed single quote`,
        );
      rest = lines[index]!;
      closing = rest.indexOf("'");
    }
    value += rest.slice(0, closing);
    const behind = trimStart(rest.slice(closing + 1));
    if (behind !== '' && !behind.startsWith('#')) throw refused('unexpected content after closing quote');
    if (name === key) return value;
  }
  return '';
}

const trimStart = (text: string) => text.replace(/^[ \t]+/, '');
