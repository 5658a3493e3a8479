/** How deep directories may be in one another. Each that is entered holds a descriptor, of which a process has not many. */
const MAX_DEPTH = 512;

/** @throws Error (ENAMETOOLONG) when somebody has gone too far. */
export function checkDepth(depth: number, root: string): void {
  if (depth <= MAX_DEPTH) return;
  throw Object.assign(new Error(`${root}: directories more than ${MAX_DEPTH} deep`), {
    code: 'ENAMETOOLONG',
  });
}

/** Whether somebody has put something else in the place of a file or directory, or taken it away. */
export function isReplaced(error: unknown): boolean {
  return ['ELOOP', 'ENOTDIR', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '');
}
