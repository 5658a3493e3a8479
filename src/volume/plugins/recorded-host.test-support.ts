import { TimeoutError } from '../../base/index.ts';
import type { ExecResult, FileStat, Host, LoopDevice, MountEntry, MountRequest } from '../../host/index.ts';

/** What a command answers: its exit code and what it says; a function may change the host. */
export type Answer = Partial<ExecResult> | ((host: RecordedHost) => Partial<ExecResult> | undefined);

/**
 * A machine that there need not be: it notes what is done to it, and answers commands from a table by their beginning;
 * one that the table does not know succeeds and says nothing. Files: their content by path; a directory is what has
 * something below it, or ends in a slash; `links` lead elsewhere.
 */
export class RecordedHost {
  readonly done: string[] = [];
  readonly table: MountEntry[] = [];
  readonly files = new Map<string, string>();
  readonly links = new Map<string, string>();
  readonly loops: LoopDevice[] = [];
  readonly answers: [string, Answer][] = [];
  /** What mount(8) says, and what is so all the same. */
  mountFails?: { readonly message: string; readonly isMounted?: boolean };
  /** An unmount that is not forced takes too long; it may come to its end all the same. */
  unmountHangs: boolean | 'until it is killed' = false;

  readonly host: Host;

  constructor(answers: Readonly<Record<string, Answer>> = {}) {
    this.answers.push(...Object.entries(answers));
    this.host = {
      processes: {
        exec: async (command: string, args: readonly string[]) => this.#exec([command, ...args].join(' ')),
      },
      mounts: {
        list: async () => this.table,
        isMountPoint: async (target: string) => this.table.some((entry) => entry.target === target),
        mount: async (request: MountRequest) => this.#mount(request),
        unmount: async (target: string, options?: { force?: boolean; timeoutMs?: number }) =>
          this.#unmount(target, options),
      },
      files: {
        stat: async (path: string) => this.#stat(path),
        read: async (path: string) => this.#read(path),
        list: async (path: string) => this.#list(path),
        realPath: async (path: string) => this.#realPath(path),
        makeDirectory: async (path: string) => void this.files.set(`${path}/`, ''),
        writeAtomic: async (path: string, content: string) => void this.files.set(path, content),
        append: async (path: string, content: string) => void this.done.push(`write ${path} ${content}`),
        removeFile: async (path: string) => void this.files.delete(path),
        removeDirectory: async (path: string) => this.#removeDirectory(path),
      },
      loops: { list: async () => this.loops },
      disks: {
        signature: async () => undefined,
        format: async (device: string, fsType: string) => void this.done.push(`mkfs.${fsType} ${device}`),
        check: async () => 'clean',
        isInUse: async () => false,
      },
    } as unknown as Host;
  }

  #exec(line: string): ExecResult {
    this.done.push(line);
    const answer = this.answers.find(([beginning]) => line.startsWith(beginning))?.[1] ?? {};
    const result = typeof answer === 'function' ? answer(this) : answer;
    return { exitCode: 0, stdout: '', stderr: '', ...result };
  }

  #mount({ source, target, fsType = '', options = [] }: MountRequest): void {
    this.done.push(`mount ${fsType} ${source} ${target} [${options.join()}]`);
    if (!this.mountFails || this.mountFails.isMounted) {
      const id = this.table.length;
      this.table.push({ id, target, source, root: '/', fsType, options: [], device: source, deleted: false });
    }
    if (this.mountFails) throw new Error(this.mountFails.message);
  }

  #unmount(target: string, { force = false, timeoutMs = 0 } = {}): void {
    this.done.push(`umount${force ? ' --force' : ''} ${target}`);
    const index = this.table.findLastIndex((entry) => entry.target === target);
    if (this.unmountHangs && !force) {
      if (this.unmountHangs !== true) this.table.splice(index, 1);
      throw new TimeoutError('umount', timeoutMs);
    }
    if (index < 0) throw new Error(`umount: ${target}: not mounted`);
    this.table.splice(index, 1);
  }

  #below(path: string): string[] {
    const all = [...this.files.keys(), ...this.links.keys()];
    return all.filter((one) => one.startsWith(`${path.replace(/\/$/, '')}/`));
  }

  #stat(path: string): FileStat | undefined {
    if (this.links.has(path)) return { kind: 'symlink' } as FileStat;
    if (this.files.has(path)) return { kind: 'file' } as FileStat;
    return this.#below(path).length > 0 ? ({ kind: 'directory' } as FileStat) : undefined;
  }

  #list(path: string): string[] {
    const from = path.replace(/\/$/, '').length + 1;
    const names = this.#below(path).map((one) => one.slice(from).split('/')[0]!);
    if (names.length === 0) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return [...new Set(names)].filter((name) => name !== '').sort();
  }

  #read(path: string): string {
    const content = this.files.get(path);
    if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return content;
  }

  #realPath(path: string): string {
    return this.links.get(path) ?? path;
  }

  #removeDirectory(path: string): void {
    if (this.#below(path).some((one) => one !== `${path}/`))
      throw Object.assign(new Error(`ENOTEMPTY: ${path}`), { code: 'ENOTEMPTY' });
    if (this.table.some((entry) => entry.target === path))
      throw Object.assign(new Error(`EBUSY: ${path}`), { code: 'EBUSY' });
    this.done.push(`rmdir ${path}`);
    this.files.delete(`${path}/`);
  }
}
