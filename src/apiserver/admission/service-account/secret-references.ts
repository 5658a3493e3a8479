import type { Container, Pod, ServiceAccount } from '../../../kube/index.ts';

const ENFORCE_ANNOTATION = 'kubernetes.io/enforce-mountable-secrets';
const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);

/** Whether pods of the account may use only the secrets that it names. */
export function limitsSecrets({ metadata }: ServiceAccount): boolean {
  return TRUE.has(metadata?.annotations?.[ENFORCE_ANNOTATION] ?? '');
}

/** The first use of a secret that the account does not name; `undefined` when there is none (limitSecretReferences). */
export function unnamedSecret({ spec }: Pod, account: ServiceAccount): string | undefined {
  const named = new Set(account.secrets?.map(({ name }) => name));
  const because = `is not allowed because service account ${account.metadata?.name} does not reference that`;
  for (const { secret } of spec?.volumes ?? []) {
    if (secret && !named.has(secret.secretName))
      return `volume with secret.secretName="${secret.secretName ?? ''}" ${because} secret`;
  }
  const lists: [string, readonly Container[] | undefined][] = [
    ['init container', spec?.initContainers],
    ['container', spec?.containers],
  ];
  for (const [title, containers] of lists) {
    for (const container of containers ?? []) {
      const found = inEnvironment(container, named);
      if (found) return `${title} ${container.name} with ${found} ${because} secret`;
    }
  }
  const pullSecrets = new Set(account.imagePullSecrets?.map(({ name }) => name));
  for (const [index, { name }] of (spec?.imagePullSecrets ?? []).entries()) {
    if (!pullSecrets.has(name)) return `imagePullSecrets[${index}].name="${name}" ${because} imagePullSecret`;
  }
  return undefined;
}

function inEnvironment(container: Container, named: ReadonlySet<string | undefined>): string | undefined {
  for (const { name, valueFrom } of container.env ?? []) {
    const secret = valueFrom?.secretKeyRef;
    if (secret && !named.has(secret.name))
      return `envVar ${name} referencing secret.secretName="${secret.name}"`;
  }
  for (const { secretRef } of container.envFrom ?? []) {
    if (secretRef && !named.has(secretRef.name))
      return `envFrom referencing secret.secretName="${secretRef.name}"`;
  }
  return undefined;
}

/** Whether a pod names any secret (VisitPodSecretNames, of what this server knows). */
export function usesSecrets({ spec }: Pod): boolean {
  if (spec?.imagePullSecrets?.some(({ name }) => name)) return true;
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  if (containers.some((container) => inEnvironment(container, new Set()) !== undefined)) return true;
  return (spec?.volumes ?? []).some(
    ({ secret, projected, csi, azureFile, cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos }) =>
      secret?.secretName ||
      projected?.sources?.some((source) => source.secret) ||
      csi?.nodePublishSecretRef ||
      azureFile?.secretName ||
      cephfs?.secretRef ||
      cinder?.secretRef ||
      flexVolume?.secretRef ||
      iscsi?.secretRef ||
      rbd?.secretRef ||
      scaleIO?.secretRef ||
      storageos?.secretRef,
  );
}
