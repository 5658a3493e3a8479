import { createHash } from 'node:crypto';
import type { Host } from '../../host/index.ts';
import { mountOnce } from '../../volume/mount/index.ts';
import { OWN_DIRECTORY } from './parameters.ts';
import { type Quota, quotaAt } from './quota.ts';
import type { Export } from './record.ts';
import type { Tools } from './tools.ts';
import { Tree } from './tree.ts';

/** A share, reached as a directory of this machine. */
export interface Site {
  readonly tree: Tree;
  /** What comes and goes is here meanwhile; on the file system of the volumes, so that one rename brings it to its place. */
  readonly work: string;
  /** The contents of snapshots. */
  readonly content: string;
  /** Undefined where nothing holds a directory to a size. */
  readonly quota: Quota | undefined;
}

export interface SitesOptions {
  /** The driver's own directory: the share of volumes without an export. */
  readonly directory: string;
  readonly host: Host;
  readonly tools: Tools;
  /** Called before anybody works in a share, to finish what was cut short in it. */
  readonly opened: (site: Site, from: Export | undefined) => Promise<void>;
}

/** The shares that the driver works in. An NFS export is mounted when it is first needed, and until the driver stops. */
export class Sites {
  readonly #options: SitesOptions;
  readonly #open = new Map<string, Promise<Site>>();

  constructor(options: SitesOptions) {
    this.#options = options;
  }

  /** The driver's own directory. */
  get directory(): string {
    return this.#options.directory;
  }

  /** @throws Error if the export cannot be mounted. */
  at(from: Export | undefined): Promise<Site> {
    const key = from ? sourceOf(from) : '';
    let site = this.#open.get(key);
    if (!site) {
      site = this.#make(from);
      this.#open.set(key, site);
      // The server may be back the next time.
      site.catch(() => this.#open.delete(key));
    }
    return site;
  }

  /** Unmounts what was mounted; a server that is gone keeps nobody from ending. */
  async close(): Promise<void> {
    const { host, directory } = this.#options;
    const mounts = `${mountsDirectory(directory)}/`;
    for (const { target } of (await host.mounts.list()).filter((entry) => entry.target.startsWith(mounts)))
      await host.mounts.unmount(target, { force: true, timeoutMs: 30_000 }).catch(() => undefined);
  }

  async #make(from: Export | undefined): Promise<Site> {
    const { host, directory, tools, opened } = this.#options;
    const root = from ? await this.#mount(from) : directory;
    const own = `${root}/${OWN_DIRECTORY}`;
    const [work, content] = [`${own}/work`, `${own}/content`];
    await host.files.makeDirectory(own, 0o700);
    for (const path of [work, content]) await host.files.makeDirectory(path, 0o700);
    await host.files.syncDirectory(own);
    await host.files.syncDirectory(root);
    // The server of an export keeps to sizes or not; it has no tools for us.
    const quota = from ? undefined : await quotaAt(root, host, tools);
    const site = { tree: new Tree(root, host.files), work, content, quota };
    await opened(site, from);
    return site;
  }

  async #mount(from: Export): Promise<string> {
    const { host, directory } = this.#options;
    const source = sourceOf(from);
    const name = createHash('sha256').update(source).digest('hex').slice(0, 16);
    const target = `${mountsDirectory(directory)}/${name}`;
    await mountOnce(host, target, () => host.mounts.mount({ source, target, fsType: 'nfs' }));
    return target;
  }
}

function mountsDirectory(directory: string): string {
  return `${directory}/${OWN_DIRECTORY}/mounts`;
}

/** What mount(8) calls a directory of an export; addresses with colons go into brackets. */
export function sourceOf({ server, share }: Export, path = ''): string {
  const host = server.includes(':') ? `[${server}]` : server;
  return `${host}:${path === '' ? share : `${share === '/' ? '' : share}/${path}`}`;
}
