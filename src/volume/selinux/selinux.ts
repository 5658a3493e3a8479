import type { Random } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { type DefaultContexts, fileLabel, parseSettings, type SeLinuxOptions } from './context.ts';

/** SELinux on this machine, as far as volumes are mounted with labels. Upstream: SELinuxLabelTranslator. */
export interface SeLinux {
  isEnabled(): Promise<boolean>;
  /** '' when the options ask for nothing. Where SELinux is off there are no labels: ask isEnabled first. */
  fileLabel(options: SeLinuxOptions): Promise<string>;
}

/** A machine without it. */
export const NO_SELINUX: SeLinux = { isEnabled: async () => false, fileLabel: async () => '' };

/** Where container runtimes keep the contexts of containers; the policy's own come after. */
const CONTEXTS = '/usr/share/containers/selinux/contexts';
const CONFIG = '/etc/selinux/config';
/** How many categories a level is chosen from (CategoryRange). */
const CATEGORIES = 1024;

/** Asks the machine once: SELinux is neither turned on nor off while it runs. */
export function createSeLinux(host: Pick<Host, 'files' | 'mounts'>, random: Random): SeLinux {
  let enabled: Promise<boolean> | undefined;
  let contexts: Promise<DefaultContexts> | undefined;
  return {
    isEnabled() {
      enabled ??= isEnabled(host);
      return enabled;
    },
    async fileLabel(options) {
      contexts ??= readContexts(host);
      return fileLabel(options, await contexts, () => anyLevel(random));
    },
  };
}

/** Its file system is mounted, writable, and a policy is loaded. */
async function isEnabled({ files, mounts }: Pick<Host, 'files' | 'mounts'>): Promise<boolean> {
  const found = (await mounts.list()).some(
    ({ fsType, options }) => fsType === 'selinuxfs' && !options.includes('ro'),
  );
  if (!found) return false;
  const current = await files.read('/proc/self/attr/current').catch(() => '');
  return current.replace(/\0$/, '') !== 'kernel';
}

async function readContexts({ files }: Pick<Host, 'files'>): Promise<DefaultContexts> {
  const text = await files.read(CONTEXTS).catch(async () => {
    const type = parseSettings(await files.read(CONFIG).catch(() => '')).get('SELINUXTYPE') ?? '';
    return await files.read(`/etc/selinux/${type}/contexts/lxc_contexts`).catch(() => '');
  });
  const settings = parseSettings(text);
  return { process: settings.get('process') ?? '', file: settings.get('file') ?? '' };
}

/** Two different categories, the smaller one first. */
function anyLevel(random: Random): string {
  const first = Math.floor(random.next() * CATEGORIES);
  const second = (first + 1 + Math.floor(random.next() * (CATEGORIES - 1))) % CATEGORIES;
  return `s0:c${Math.min(first, second)},c${Math.max(first, second)}`;
}
