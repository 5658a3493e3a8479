import type { RequestOptions } from 'node:https';
import type { HttpConnection } from './connection.ts';

/**
 * The connection of a kubeconfig's context. Without `file` as kubectl finds it: KUBECONFIG, then ~/.kube/config, then
 * the service account of the pod. Credential plugins (exec) are asked for a token at each request and keep theirs until
 * it expires.
 * @throws Error naming the file when it cannot be read, or lacks the context, its cluster or its user.
 */
export async function loadKubeconfig(file?: string, context?: string): Promise<HttpConnection> {
  // Half a second and 100 MB: only for those who read a kubeconfig.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const source = file ?? process.env.KUBECONFIG ?? 'the default kubeconfig';
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new Error(`load kubeconfig ${source}: ${(error as Error).message}`, { cause: error });
  }
  if (context !== undefined) {
    if (!config.getContextObject(context)) {
      const known = config.getContexts().map((each) => each.name);
      throw new Error(
        `load kubeconfig ${source}: context ${JSON.stringify(context)} does not exist; it has: ${known.join(', ') || 'none'}`,
      );
    }
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster?.server)
    throw new Error(
      `load kubeconfig ${source}: context ${JSON.stringify(config.getCurrentContext())} names no cluster with a server`,
    );
  if (cluster.proxyUrl)
    throw new Error(
      `load kubeconfig ${source}: proxy-url is not supported; remove it or use a direct address`,
    );

  const credentials = async () => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    return options;
  };
  const { ca, cert, key, headers, servername, rejectUnauthorized } = await credentials();
  const hasToken = bearerToken(headers) !== undefined;
  return {
    server: cluster.server,
    ca: pem(ca),
    cert: pem(cert),
    key: pem(key),
    serverName: servername,
    insecureSkipTlsVerify: rejectUnauthorized === false,
    token: hasToken ? async () => bearerToken((await credentials()).headers) : undefined,
  };
}

function bearerToken(headers: unknown): string | undefined {
  const value = (headers as Record<string, unknown> | undefined)?.Authorization;
  const match = typeof value === 'string' ? /^Bearer (.+)$/.exec(value) : null;
  return match?.[1];
}

function pem(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value.map(String).join('\n') : String(value);
}
