import type { PodSpec, Volume } from '../../../kube/index.ts';

// Files of one volume that are in each other's way. Texts and order: Kubernetes 1.36, pkg/api/pod/warnings.go.

/** A file that a volume will have, and where it comes from. */
interface File {
  readonly path: string;
  readonly source?: string;
}

type Items = readonly { readonly path?: string }[] | undefined;
type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

export function overlapWarnings(volumes: PodSpec['volumes'] = []): string[] {
  return volumes.flatMap(({ name = '', configMap, secret, downwardAPI, projected }) => [
    ...overlaps(name, `ConfigMap ${quoted(configMap?.name)}`, filesOf(configMap?.items)),
    ...overlaps(name, `Secret ${quoted(secret?.secretName)}`, filesOf(secret?.items)),
    ...overlaps(name, 'DownwardAPI', filesOf(downwardAPI?.items)),
    ...(projected?.sources ?? [])
      .filter((source) => Object.keys(source).length === 0)
      .map(() => `volume ${quoted(name)} (Projected) has no sources provided`),
    ...overlaps(name, 'Projected', (projected?.sources ?? []).flatMap(projectedFiles)),
  ]);
}

function projectedFiles(source: Source): readonly File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  if (configMap?.items) return filesOf(configMap.items, `ConfigMap ${quoted(configMap.name)}`);
  if (secret?.items) return filesOf(secret.items, `Secret ${quoted(secret.name)}`);
  if (downwardAPI?.items) return filesOf(downwardAPI.items, 'DownwardAPI');
  if (serviceAccountToken) return [{ path: serviceAccountToken.path ?? '', source: 'ServiceAccountToken' }];
  if (clusterTrustBundle) {
    const { name, signerName, path = '' } = clusterTrustBundle;
    return [{ path, source: `ClusterTrustBundle ${quoted(name ?? signerName)}` }];
  }
  if (!podCertificate) return [];
  return [
    { path: podCertificate.certificateChainPath ?? '', source: 'PodCertificate chain' },
    { path: podCertificate.keyPath ?? '', source: 'PodCertificate key' },
    { path: podCertificate.credentialBundlePath ?? '', source: 'PodCertificate credential bundle' },
  ];
}

function filesOf(items: Items = [], source?: string): readonly File[] {
  return items.map(({ path = '' }) => ({ path, source }));
}

/** Every file with each earlier one that it is, lies in, or has in it. */
function overlaps(volume: string, what: string, files: readonly File[]): string[] {
  const known = files.map(({ path, source }) => ({ path: path.replace(/\/+$/, ''), source }));
  return known.flatMap((file, index) =>
    known
      .slice(0, index)
      .filter((earlier) => file.path !== '' && earlier.path !== '' && overlap(file.path, earlier.path))
      .map(
        (earlier) =>
          `volume ${quoted(volume)} (${what}): overlapping paths: ${shown(file)} with ${shown(earlier)}`,
      ),
  );
}

function overlap(a: string, b: string): boolean {
  return `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
}

function shown({ path, source }: File): string {
  return source ? `${quoted(path)} (${source})` : quoted(path);
}

function quoted(text = ''): string {
  return JSON.stringify(text);
}
