import type { Pki } from '../../apiserver/auth/index.ts';
import { writeKubeconfig } from '../../apiserver/auth/index.ts';
import type { Host } from '../../host/index.ts';
import { nodeUser } from '../identities.ts';

/** Where a node's credentials are. */
export interface NodeCredentials {
  readonly kubeconfig: string;
  /** What its server shows, and the key to it. */
  readonly cert: string;
  readonly key: string;
  /** The authority of those who may ask it. */
  readonly ca: string;
}

export function credentialsIn(directory: string): NodeCredentials {
  return {
    kubeconfig: `${directory}/kubeconfig`,
    cert: `${directory}/server.crt`,
    key: `${directory}/server.key`,
    ca: `${directory}/ca.crt`,
  };
}

/**
 * Writes what a node needs to be a member of the cluster, and nothing that gives it more: a kubeconfig with a certificate of
 * `system:node:NAME`, and a certificate for its server. For its owner's eyes only; good for a year.
 */
export async function writeNodeCredentials(
  directory: string,
  options: {
    readonly pki: Pick<Pki, 'ca' | 'issue'>;
    readonly files: Host['files'];
    readonly name: string;
    /** Of the API server. */
    readonly server: string;
    /** Where the node's own server can be reached. */
    readonly addresses: readonly string[];
  },
): Promise<NodeCredentials> {
  const { pki, files, name, server, addresses } = options;
  const user = nodeUser(name).name;
  const paths = credentialsIn(directory);
  const identity = { commonName: user, organizations: ['system:nodes'] };
  const [client, serving] = await Promise.all([
    pki.issue({ ...identity, usages: ['client'] }),
    pki.issue({ ...identity, addresses: [...new Set([name, ...addresses])], usages: ['server'] }),
  ]);
  await files.makeDirectory(directory, 0o700);
  await writeKubeconfig(paths.kubeconfig, { server, ca: pki.ca, client, user });
  await files.writeAtomic(paths.key, serving.key, 0o600);
  await files.writeAtomic(paths.cert, serving.cert, 0o600);
  await files.writeAtomic(paths.ca, pki.ca, 0o600);
  return paths;
}
