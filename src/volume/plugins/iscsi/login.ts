import type { Host } from '../../../host/index.ts';
import { failed, iscsiadm, type Said, SESSION_EXISTS } from './iscsiadm.ts';
import type { IscsiDisk } from './source.ts';

/** What a volume says about CHAP, and the entries of its secret. */
export interface Chap {
  readonly discovery: boolean;
  readonly session: boolean;
  readonly secret: Readonly<Record<string, string>>;
}

const CREDENTIALS = ['username', 'password', 'username_in', 'password_in'];

type Run = (...args: readonly string[]) => Promise<Said>;

/** Logs in to a target through one of its portals. @throws Error with upstream's text; secrets are in none. */
export async function login(
  host: Pick<Host, 'processes'>,
  disk: IscsiDisk,
  portal: string,
  chap: Chap,
): Promise<void> {
  const run: Run = (...args) => iscsiadm(host, ...args);
  const discovery = ['-m', 'discoverydb', '-t', 'sendtargets', '-p', portal, '-I', disk.Iface];
  await run(...discovery, '-o', 'new');
  if (chap.discovery) {
    const why = await authenticate(run, discovery, 'discovery.sendtargets.auth', chap, {
      method: 'iscsi: failed to update discoverydb with CHAP, output:',
      key: (name) => `iscsi: failed to update discoverydb key "${name}" error:`,
    });
    if (why !== undefined)
      throw new Error(`iscsi: failed to update discoverydb to portal ${portal} error: ${why}`);
  }
  const targets = await run(...discovery, '--discover');
  if (failed(targets)) {
    await run(...discovery, '-o', 'delete');
    throw new Error(
      `iscsi: failed to sendtargets to portal ${portal} output: ${targets.output}, err exit status ${targets.exitCode}`,
    );
  }
  const node = ['-m', 'node', '-p', portal, '-T', disk.Iqn, '-I', disk.Iface];
  // Of all LUNs of the target only this one is to be seen; an iscsiadm that cannot do that shows them all.
  await run(...node, '-o', 'update', '-n', 'node.session.scan', '-v', 'manual');
  if (chap.session) {
    const why = await authenticate(run, node, 'node.session.auth', chap, {
      method: 'iscsi: failed to update node with CHAP, output:',
      key: (name) => `iscsi: failed to update node session key "${name}" error:`,
    });
    if (why !== undefined)
      throw new Error(`iscsi: failed to update iscsi node to portal ${portal} error: ${why}`);
  }
  const session = await run(...node, '--login');
  if (failed(session)) {
    await run('-m', 'node', '-p', portal, '-I', disk.Iface, '-T', disk.Iqn, '-o', 'delete');
    throw new Error(
      `iscsi: failed to attach disk: Error: ${session.output} (exit status ${session.exitCode})`,
    );
  }
  // A machine that comes up again must not wait for a target that may be gone.
  await run('-m', 'node', '-p', portal, '-T', disk.Iqn, '-o', 'update', '-n', 'node.startup', '-v', 'manual');
}

/** Why the credentials could not be set; undefined when they were. */
async function authenticate(
  run: Run,
  record: readonly string[],
  prefix: string,
  { secret }: Chap,
  words: { readonly method: string; key(name: string): string },
): Promise<string | undefined> {
  const set = (name: string, value: string) => run(...record, '-o', 'update', '-n', name, '-v', value);
  const method = await set(`${prefix}.authmethod`, 'CHAP');
  if (failed(method)) return `${words.method} ${method.output}`;
  for (const credential of CREDENTIALS) {
    const name = `${prefix}.${credential}`;
    const value = secret[name];
    if (!value) continue;
    const said = await set(name, value);
    if (failed(said)) return `${words.key(name)} ${said.output.replaceAll(value, '***stripped***')}`;
  }
  return undefined;
}

/** How the interface reaches targets: tcp, or an adapter's name; '' when it does not say. */
export function transportOf(shown: string): string {
  const found = /iface\.transport_name = (.*)\n/.exec(shown)?.[1] ?? '';
  return found === '<empty>' ? 'tcp' : found;
}

/** Makes the volume's interface: a copy of the one that is there, with the volume's initiator. Source: cloneIface. */
export async function cloneInterface(host: Pick<Host, 'processes'>, disk: IscsiDisk): Promise<void> {
  const { InitIface: from, Iface: to, InitiatorName } = disk;
  if (from === to) throw new Error(`iscsi: cannot clone iface with same name: ${from}`);
  const shown = await iscsiadm(host, '-m', 'iface', '-I', from, '-o', 'show');
  if (failed(shown))
    throw new Error(`iscsi: failed to show iface records: ${shown.output} (exit status ${shown.exitCode})`);
  const settings = new Map([...interfaceSettings(shown.output), ['iface.initiatorname', InitiatorName]]);
  const made = await iscsiadm(host, '-m', 'iface', '-I', to, '-o', 'new');
  if (failed(made) && made.exitCode !== SESSION_EXISTS)
    throw new Error(`iscsi: failed to create new iface: ${made.output} (exit status ${made.exitCode})`);
  for (const [name, value] of [...settings].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const said = await iscsiadm(host, '-m', 'iface', '-I', to, '-o', 'update', '-n', name, '-v', value);
    if (!failed(said)) continue;
    await iscsiadm(host, '-m', 'iface', '-I', to, '-o', 'delete');
    throw new Error(
      `iscsi: failed to update iface records: ${said.output} (exit status ${said.exitCode}). iface(${from}) will be used`,
    );
  }
}

/** The settings that an interface has, but for its name, which is for ever. */
export function interfaceSettings(shown: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const line of shown.split('\n')) {
    if (!line.startsWith('iface.') || line.includes('<empty>')) continue;
    const [name, equals, value, ...more] = line.trim().split(/\s+/);
    if (equals !== '=' || value === undefined || more.length > 0)
      throw new Error(
        `iscsi: failed to parse iface records: ${shown} (error: invalid iface setting: ${line})`,
      );
    if (name !== 'iface.iscsi_ifacename') settings.set(name!, value);
  }
  return settings;
}
