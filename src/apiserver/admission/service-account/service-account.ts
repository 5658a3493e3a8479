import {
  forbidden,
  namespaces,
  type Pod,
  pods,
  type ServiceAccount,
  type Stored,
  serviceAccounts,
} from '../../../kube/index.ts';
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from '../contract.ts';
import { limitsSecrets, unnamedSecret, usesSecrets } from './secret-references.ts';
import { mountToken } from './token-volume.ts';

const DEFAULT_ACCOUNT = 'default';
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
/** For how long a pod waits for the account that a controller makes in each new namespace: upstream looks ten times. */
const DEFAULT_ACCOUNT_LIMIT_MS = 1_500;

/**
 * Every pod runs as a service account: `default` unless it names another, which must exist. It gets the account's
 * token and what is needed to use it as a volume, and its pull secrets. Source: plugin/pkg/admission/serviceaccount.
 */
export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  // Without the controller that makes the default accounts no pod could be made.
  optional: true,
  operations: ['CREATE'],
  resources: [pods],
  prepare({ object, namespace, reader }) {
    const pod = object as Pod;
    if ((pod.spec?.serviceAccountName || DEFAULT_ACCOUNT) !== DEFAULT_ACCOUNT || isMirror(pod))
      return undefined;
    if (
      reader.get(serviceAccounts, namespace, DEFAULT_ACCOUNT) ||
      !reader.get(namespaces, undefined, namespace!)
    )
      return undefined;
    return reader.appears(serviceAccounts, namespace, DEFAULT_ACCOUNT, DEFAULT_ACCOUNT_LIMIT_MS);
  },
  mutate(object, request) {
    const pod = object as Pod;
    if (!pod.spec || isMirror(pod)) return pod;
    const name = pod.spec.serviceAccountName || DEFAULT_ACCOUNT;
    const account = find(name, request);
    const pullSecrets = account.imagePullSecrets ?? [];
    const own: Pod = {
      ...pod,
      spec: {
        ...pod.spec,
        serviceAccountName: name,
        serviceAccount: name,
        ...(!pod.spec.imagePullSecrets?.length && pullSecrets.length > 0
          ? { imagePullSecrets: pullSecrets.map((secret) => ({ name: secret.name })) }
          : undefined),
      },
    };
    const mounts = pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
    return mounts ? mountToken(own, request.random) : own;
  },
  validate(request) {
    const pod = request.object as Pod;
    const refuse = (why: string) => forbidden(pods, request.name, why);
    if (isMirror(pod)) {
      const why = mirrorProblem(pod);
      if (why) throw refuse(why);
      return;
    }
    const name = pod.spec?.serviceAccountName;
    if (!name) throw refuse(`no service account specified for pod ${request.namespace}/${request.name}`);
    const account = find(name, request);
    const why = limitsSecrets(account) ? unnamedSecret(pod, account) : undefined;
    if (why) throw refuse(why);
  },
};

/** Static pods are the node's: they stand for themselves and get nothing of the API. */
function isMirror({ metadata }: Pod): boolean {
  return metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

function mirrorProblem(pod: Pod): string | undefined {
  if (pod.spec?.serviceAccountName) return 'a mirror pod may not reference service accounts';
  if (usesSecrets(pod)) return 'a mirror pod may not reference secrets';
  const token = pod.spec?.volumes?.some(({ projected }) =>
    projected?.sources?.some((source) => source.serviceAccountToken),
  );
  return token ? 'a mirror pod may not use ServiceAccountToken volume projections' : undefined;
}

function find(
  account: string,
  { namespace, name, reader }: Pick<AdmissionRequest, 'namespace' | 'name'> & { reader: AdmissionReader },
): Stored<ServiceAccount> {
  const found = reader.get(serviceAccounts, namespace, account);
  if (found) return found;
  throw forbidden(
    pods,
    name,
    `error looking up service account ${namespace}/${account}: serviceaccount ${JSON.stringify(account)} not found`,
  );
}
