import { dirname } from 'node:path';
import { makeDirectories } from '../../host/linux/index.ts';
import type { KeyPair } from './certificate.ts';
import { writePrivate } from './pki-files.ts';

export interface KubeconfigOptions {
  /** e.g. https://127.0.0.1:6443 */
  readonly server: string;
  /** The authority's certificate, PEM. */
  readonly ca: string;
  readonly client: KeyPair;
  /** Of cluster and context. @default stowage */
  readonly name?: string;
  /** @default kubernetes-admin */
  readonly user?: string;
}

/** A kubeconfig with everything in it. Holds a private key: a secret. */
export function kubeconfigText(options: KubeconfigOptions): string {
  const name = options.name ?? 'stowage';
  const user = options.user ?? 'kubernetes-admin';
  const data = (pem: string) => Buffer.from(pem).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
- name: ${name}
  cluster:
    server: ${options.server}
    certificate-authority-data: ${data(options.ca)}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${user}
current-context: ${name}
users:
- name: ${user}
  user:
    client-certificate-data: ${data(options.client.cert)}
    client-key-data: ${data(options.client.key)}
`;
}

/** Writes a kubeconfig that only its owner can read, as one step. */
export async function writeKubeconfig(path: string, options: KubeconfigOptions): Promise<void> {
  try {
    await makeDirectories(dirname(path));
    await writePrivate(path, kubeconfigText(options));
  } catch (error) {
    throw new Error(`write kubeconfig ${path}: ${(error as Error).message}`, { cause: error });
  }
}
