import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { errorMessage, systemClock } from '../base/index.ts';
import { type HttpConnection, loadKubeconfig } from '../client/http/index.ts';
import { plainKubeconfig } from './plain-kubeconfig.ts';
import { UsageError } from './usage-error.ts';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Tokens in pods are renewed in place; client-go looks again as often. */
const TOKEN_AGE_MS = 60_000;

/**
 * How to reach the API server: by --kubeconfig, by KUBECONFIG, or as the service account of the pod that this is.
 * @throws UsageError when none of them leads there.
 */
export async function apiConnection(options: {
  kubeconfig?: string | undefined;
  /** The server's URL, in place of what the others say. */
  master?: string | undefined;
}): Promise<HttpConnection> {
  const { kubeconfig, master } = options;
  try {
    const file = kubeconfig || process.env.KUBECONFIG;
    const connection = file
      ? ((await plainKubeconfig(file, undefined)) ?? (await loadKubeconfig(kubeconfig || undefined)))
      : await inClusterConnection(process.env, ACCOUNT);
    return master ? { ...connection, server: master } : connection;
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(errorMessage(error));
  }
}

/** The namespace of the pod that this is, or `default`. Source: inClusterNamespace of csi-lib-utils. */
export async function podNamespace(): Promise<string> {
  const said = process.env.POD_NAMESPACE;
  if (said) return said;
  return (await readFile(`${ACCOUNT}/namespace`, 'utf8').catch(() => '')).trim() || 'default';
}

/** The connection of a pod, by its environment and the directory of its service account. */
export async function inClusterConnection(
  environment: Readonly<Record<string, string | undefined>>,
  account: string,
): Promise<HttpConnection> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port)
    throw new UsageError(
      'no API server: give --kubeconfig, or set KUBECONFIG; in a pod KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT say where it is',
    );
  let known: { token: string; atMs: number } | undefined;
  const token = async () => {
    const nowMs = systemClock.monotonic();
    if (!known || nowMs - known.atMs > TOKEN_AGE_MS)
      known = { token: (await readFile(`${account}/token`, 'utf8')).trim(), atMs: nowMs };
    return known.token;
  };
  await token();
  const ca = await readFile(`${account}/ca.crt`, 'utf8');
  return { server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`, ca, token };
}
