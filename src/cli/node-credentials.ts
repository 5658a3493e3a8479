import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openPki } from '../apiserver/auth/index.ts';
import { errorMessage, systemClock, systemRandom } from '../base/index.ts';
import { loadKubeconfig } from '../client/http/index.ts';
import { layoutOf } from '../cluster/layout.ts';
import { writeNodeCredentials } from '../cluster/node-processes/index.ts';
import { createLinuxHost } from '../host/index.ts';
import { isDNS1123Subdomain } from '../kube/index.ts';
import { UsageError } from './usage-error.ts';

export interface NodeCredentialsFlags {
  readonly dataDir: string;
  readonly kubeconfig?: string;
  readonly server?: string;
  readonly address: string;
}

/** `stowage node-credentials NAME DIRECTORY`. Resolves to the exit code. */
export async function nodeCredentials(
  name: string,
  directory: string,
  flags: NodeCredentialsFlags,
): Promise<number> {
  const { pki: authority, kubeconfig } = layoutOf(resolve(flags.dataDir), {});
  const [why] = isDNS1123Subdomain(name);
  if (why !== undefined) throw new UsageError(`${JSON.stringify(name)} is not the name of a node: ${why}`);
  await access(join(authority, 'ca.key')).catch((error: unknown) => {
    throw new UsageError(
      `--data-dir ${flags.dataDir} has no authority that could sign: ${errorMessage(error)}; name that of a "stowage up"`,
    );
  });
  const { files } = createLinuxHost({ clock: systemClock });
  const server = flags.server ?? (await serverOf(flags.kubeconfig ?? kubeconfig));
  const pki = await openPki({ directory: authority, clock: systemClock, random: systemRandom });
  try {
    const { cert, key, ca, ...made } = await writeNodeCredentials(resolve(directory), {
      ...{ pki, files, name, server, addresses: [flags.address] },
    });
    const parts = [
      ...['stowage node', '--name', name, '--kubeconfig', made.kubeconfig, '--address', flags.address],
      ...['--tls-cert-file', cert, '--tls-private-key-file', key, '--client-ca-file', ca],
    ];
    process.stdout.write(`${parts.join(' ')}\n`);
  } catch (error) {
    throw new UsageError(`${directory} cannot be written: ${errorMessage(error)}`);
  }
  return 0;
}

async function serverOf(kubeconfig: string): Promise<string> {
  try {
    return (await loadKubeconfig(kubeconfig)).server;
  } catch (error) {
    throw new UsageError(
      `${kubeconfig} does not say where the API server is: ${errorMessage(error)}; name it with --server or --kubeconfig`,
    );
  }
}
