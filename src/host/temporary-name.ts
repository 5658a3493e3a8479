/** What an atomic write to the file `name` is called until it is whole. `writer` tells writers apart. */
export function temporaryName(name: string, writer: string): string {
  return `.${name}.${writer}.tmp`;
}

/** Whether a directory entry is what a killed writer has left of an atomic write to the file `name`. */
export function isTemporaryOf(name: string, entry: string): boolean {
  return entry.startsWith(`.${name}.`) && entry.endsWith('.tmp');
}
