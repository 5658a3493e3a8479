// Formats and messages of apimachinery's util/validation.

/** Why a text is not of a format: no entry when it is. */
export type NameRule = (text: string) => readonly string[];

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;

const LABEL_MESSAGE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL_1035_MESSAGE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const QUALIFIED_MESSAGE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const LABEL_VALUE_MESSAGE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** `unit`: older rules count bytes as well, but call them characters. */
function rule(
  pattern: string,
  message: string,
  examples: readonly string[],
  maxBytes: number,
  unit: 'characters' | 'bytes' = 'characters',
): NameRule {
  const expression = new RegExp(`^${pattern}$`);
  const shown = examples.map((example) => `'${example}'`).join(',  or ');
  return (text) => {
    const found: string[] = [];
    if (Buffer.byteLength(text) > maxBytes) found.push(`must be no more than ${maxBytes} ${unit}`);
    if (!expression.test(text))
      found.push(`${message} (e.g. ${shown}, regex used for validation is '${pattern}')`);
    return found;
  };
}

const isLabelForm: NameRule = rule(LABEL, LABEL_MESSAGE, ['my-name', '123-abc'], 63);
export const isDNS1123Subdomain: NameRule = rule(SUBDOMAIN, SUBDOMAIN_MESSAGE, ['example.com'], 253);
const isPrefix: NameRule = rule(SUBDOMAIN, SUBDOMAIN_MESSAGE, ['example.com'], 253, 'bytes');
/** As search paths of resolvers are written. */
export const isDNS1123SubdomainWithUnderscore: NameRule = rule(
  '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*',
  SUBDOMAIN_MESSAGE.replace("characters, '-'", "characters, '_', '-'"),
  ['example.com'],
  253,
);
const SUBDOMAIN_FORM = new RegExp(`^${SUBDOMAIN}$`);

export const isDNS1123Label: NameRule = (text) =>
  text.includes('.') && SUBDOMAIN_FORM.test(text)
    ? [...isLabelForm('a'.repeat(Buffer.byteLength(text))), 'must not contain dots']
    : isLabelForm(text);
export const isDNS1035Label: NameRule = rule(LABEL_1035, LABEL_1035_MESSAGE, ['my-name', 'abc-123'], 63);
export const isLabelValue: NameRule = rule(
  LABEL_VALUE,
  LABEL_VALUE_MESSAGE,
  ['MyValue', 'my_value', '12345'],
  63,
  'bytes',
);
const isNamePart: NameRule = rule(
  QUALIFIED,
  QUALIFIED_MESSAGE,
  ['MyName', 'my.name', '123-abc'],
  63,
  'bytes',
);

/** Names that are only a segment of a URL path (PriorityClass and the like use subdomains; roles use this). */
export const isPathSegment: NameRule = (text) =>
  text === '.' || text === '..'
    ? [`may not be '${text}'`]
    : ['/', '%'].filter((part) => text.includes(part)).map((part) => `may not contain '${part}'`);

/** `prefix/name`, the prefix a DNS subdomain: label keys, finalizers. */
export const isQualifiedName: NameRule = (text) => {
  const parts = text.split('/');
  if (parts.length > 2) {
    const form = isNamePart('')[0]!.replace('name part', 'a valid label key');
    return [`${form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const [prefix, name] = parts.length === 2 ? [parts[0]!, parts[1]!] : [undefined, parts[0]!];
  const found: string[] = [];
  if (prefix === '') found.push('prefix part must be non-empty');
  else if (prefix !== undefined) found.push(...isPrefix(prefix).map((why) => `prefix part ${why}`));
  if (name === '') found.push('name part must be non-empty');
  found.push(...isNamePart(name).map((why) => (why.startsWith('name part') ? why : `name part ${why}`)));
  return found;
};

const isConfigKeyForm: NameRule = rule(
  '[-._a-zA-Z0-9]+',
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  ['key.name', 'KEY_NAME', 'key-name'],
  253,
);

/** Keys of config maps and secrets, which become names of files. */
export const isConfigKey: NameRule = (text) => {
  const found = [...isConfigKeyForm(text)];
  if (text === '.' || text === '..') found.push(`must not be '${text}'`);
  else if (text.startsWith('..')) found.push("must not start with '..'");
  return found;
};
