import { Code, CsiStatus } from '../../../csi/index.ts';

/** An option of a FUSE client: `umask=022`, or one that is on when it is named. */
export interface Option {
  readonly name: string;
  readonly value?: string;
}

/** What a client may be told by who makes a class or a volume: options with a value, and those that stand alone. */
export interface AllowedOptions {
  readonly values: readonly string[];
  readonly flags: readonly string[];
}

/** Words apart by spaces; what is in double quotes stays together, and `\` takes the next character as it is there. */
const WORD = /(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g;

/**
 * The options that a text names: `-o a=1,b --c=2 --d 3`. Source: the parameter `options` of k8s-csi-s3.
 * @throws CsiStatus INVALID_ARGUMENT for a word that is no option.
 */
export function parseOptions(text: string): readonly Option[] {
  const words = (text.match(WORD) ?? []).map(unquoted);
  const options: Option[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const next = words[index + 1];
    if (word === '-o' && next !== undefined) {
      options.push(...fromMountFlags([next]));
      index++;
    } else if (word.startsWith('--') && word.length > 2) {
      const option = optionOf(word.slice(2));
      const hasValue = option.value !== undefined || next === undefined || next.startsWith('-');
      options.push(hasValue ? option : { ...option, value: next });
      if (!hasValue) index++;
    } else {
      throw new CsiStatus(
        Code.INVALID_ARGUMENT,
        `options: ${JSON.stringify(word)} is no option; write -o NAME=VALUE, --NAME=VALUE or --NAME`,
      );
    }
  }
  return options;
}

/** The options that mountOptions name: `a=1`, or several with commas between them. */
export function fromMountFlags(flags: readonly string[]): readonly Option[] {
  return flags
    .flatMap((flag) => flag.split(','))
    .filter((text) => text !== '')
    .map(optionOf);
}

/** @throws CsiStatus INVALID_ARGUMENT for an option that the client must not be told by others, or that is written wrongly. */
export function checkOptions(mounter: string, options: readonly Option[], allowed: AllowedOptions): void {
  for (const { name, value } of options) {
    const takesValue = allowed.values.includes(name);
    if (!takesValue && !allowed.flags.includes(name)) {
      const known = [...allowed.values, ...allowed.flags].toSorted().join(', ');
      throw new CsiStatus(
        Code.INVALID_ARGUMENT,
        `option ${JSON.stringify(name)} of ${mounter} cannot be set; these can: ${known}`,
      );
    }
    if (takesValue !== (value !== undefined && value !== ''))
      throw new CsiStatus(
        Code.INVALID_ARGUMENT,
        `option ${name} of ${mounter} ${takesValue ? 'needs a value' : 'takes no value'}`,
      );
    // What is read as several options, or as something else than a value, is none of the values that were meant.
    if (value !== undefined && !/^[\w.:/+%=@-]+$/.test(value))
      throw new CsiStatus(Code.INVALID_ARGUMENT, `option ${name} of ${mounter}: ${JSON.stringify(value)}`);
  }
}

/** Options over those that hold without them: the last of a name counts. */
export function withDefaults(defaults: readonly Option[], options: readonly Option[]): readonly Option[] {
  return [...new Map([...defaults, ...options].map((option) => [option.name, option])).values()];
}

function optionOf(text: string): Option {
  const at = text.indexOf('=');
  return at < 0 ? { name: text } : { name: text.slice(0, at), value: text.slice(at + 1) };
}

function unquoted(word: string): string {
  return word.replace(/"((?:[^"\\]|\\.)*)"/g, (_, quoted: string) => quoted.replace(/\\(.)/g, '$1'));
}
