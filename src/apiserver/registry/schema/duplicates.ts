/**
 * Paths of the fields that a JSON text gives more than once, as strict field validation reports them
 * (`spec.containers[0].name`). JSON.parse keeps the last and says nothing. The text must be valid JSON.
 */
export function duplicateFields(text: string): readonly string[] {
  const found: string[] = [];
  let position = 0;

  const skipSpace = () => {
    while (position < text.length && ' \t\r\n'.includes(text[position]!)) position++;
  };
  const readString = (): string => {
    const start = position++;
    while (position < text.length && text[position] !== '"') position += text[position] === '\\' ? 2 : 1;
    position++;
    return text.slice(start, position);
  };
  const readValue = (path: string): void => {
    skipSpace();
    const first = text[position];
    if (first === '{') readObject(path);
    else if (first === '[') readArray(path);
    else if (first === '"') readString();
    else while (position < text.length && !',]} \t\r\n'.includes(text[position]!)) position++;
    skipSpace();
  };
  const readObject = (path: string): void => {
    const names = new Set<string>();
    position++;
    skipSpace();
    while (position < text.length && text[position] !== '}') {
      const name = JSON.parse(readString()) as string;
      const here = path === '' ? name : `${path}.${name}`;
      if (names.has(name)) found.push(here);
      names.add(name);
      skipSpace();
      position++; // ':'
      readValue(here);
      if (text[position] === ',') position++;
      skipSpace();
    }
    position++;
  };
  const readArray = (path: string): void => {
    position++;
    skipSpace();
    for (let index = 0; position < text.length && text[position] !== ']'; index++) {
      readValue(`${path}[${index}]`);
      if (text[position] === ',') position++;
      skipSpace();
    }
    position++;
  };
  readValue('');
  return found;
}
