/**
 * The files of kernel modules and of all that they need, in the order in which they can be loaded; modules that are built
 * into the kernel are in no list and are left out.
 * @param dependencies the kernel's modules.dep: `FILE: FILE FILE …`, the nearest first
 */
export function moduleFiles(dependencies: string, names: readonly string[]): string[] {
  const needs = new Map<string, readonly string[]>();
  for (const line of dependencies.split('\n')) {
    const [file = '', others = ''] = line.split(':');
    needs.set(moduleName(file), [file, ...others.split(' ').filter(Boolean)]);
  }
  return [...new Set(names.flatMap((name) => (needs.get(name) ?? []).toReversed()))];
}

/** `kernel/fs/9p/9p.ko.xz` is 9p; dashes and underscores are the same. */
function moduleName(file: string): string {
  return file
    .replace(/^.*\//, '')
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}
