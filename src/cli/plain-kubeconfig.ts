import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { HttpConnection } from '../client/http/index.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What of a cluster and a user is understood here; whoever has more needs more. */
const CLUSTER_FIELDS = new Set(['server', 'certificate-authority', 'certificate-authority-data']);
const USER_FIELDS = new Set([
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
  'token',
]);

/**
 * The connection of a kubeconfig that names certificates or a token and nothing else, as ours do; undefined for any other,
 * and for one that cannot be read: who knows all of the format says what is wrong. A client library that does takes half a
 * second and 100 MB.
 */
export async function plainKubeconfig(
  file: string,
  wanted: string | undefined,
): Promise<HttpConnection | undefined> {
  try {
    const { parse } = await import('yaml');
    const config = parse(await readFile(file, 'utf8')) as Fields;
    const { cluster: clusterName, user: userName } = entry(
      config.contexts,
      wanted ?? config['current-context'],
      'context',
    );
    const cluster = entry(config.clusters, clusterName, 'cluster');
    const user = entry(config.users, userName, 'user');
    if (!hasOnly(cluster, CLUSTER_FIELDS) || !hasOnly(user, USER_FIELDS)) return undefined;
    const pem = (of: Fields, field: string) => pemOf(of, field, dirname(file));
    const { token } = user;
    return {
      server: cluster.server as string,
      ca: await pem(cluster, 'certificate-authority'),
      cert: await pem(user, 'client-certificate'),
      key: await pem(user, 'client-key'),
      ...(token !== undefined && { token: async () => token as string }),
    };
  } catch {
    return undefined;
  }
}

/** The entry of a list with a name. @throws Error when there is none. */
function entry(list: unknown, name: unknown, field: string): Fields {
  const found = (list as readonly Fields[]).find((one) => one.name === name)?.[field];
  if (typeof found !== 'object' || found === null) throw new Error(`no ${field} ${name}`);
  return found as Fields;
}

const hasOnly = (fields: Fields, known: ReadonlySet<string>) =>
  Object.entries(fields).every(
    ([name, value]) => known.has(name) && typeof value === 'string' && value !== '',
  );

/** From the data, else from the file that is named, beside the kubeconfig. */
async function pemOf(fields: Fields, field: string, directory: string): Promise<string | undefined> {
  const data = fields[`${field}-data`];
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString();
  const path = fields[field];
  return typeof path === 'string' ? readFile(resolve(directory, path), 'utf8') : undefined;
}
