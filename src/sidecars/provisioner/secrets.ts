import { type PersistentVolumeClaim, resolveSecret, type SecretReference } from '../../kube/index.ts';
import { type Parameters, PREFIX, type SecretPurpose } from './parameters.ts';

/** Keys that were there before the prefix; they still go to the driver, too. */
const DEPRECATED: Partial<Record<SecretPurpose, string>> = {
  provisioner: 'csiProvisionerSecret',
  'controller-publish': 'csiControllerPublishSecret',
  'node-stage': 'csiNodeStageSecret',
  'node-publish': 'csiNodePublishSecret',
};

interface Template {
  readonly name: string;
  readonly namespace: string;
}

/**
 * The secret that a StorageClass names for a purpose, or by default for all; undefined when it names none. Whether it
 * exists is not looked at. In the name, `${pv.name}`, `${pvc.name}`, `${pvc.namespace}` and `${pvc.annotations['KEY']}`
 * stand for what they say; in the namespace only the first and the third: the rest is in the user's hands.
 * @throws Error for half a reference, an unknown token, or a result that is no valid name.
 * Source: getSecretReference of external-provisioner.
 */
export function secretReference(
  purpose: SecretPurpose,
  parameters: Parameters,
  volumeName: string,
  claim: Pick<PersistentVolumeClaim, 'metadata'>,
): SecretReference | undefined {
  const own = DEPRECATED[purpose];
  const template =
    templateOf(title(purpose), parameters, `${PREFIX}${purpose}-secret-`, own) ??
    templateOf('Default', parameters, `${PREFIX}secret-`, undefined);
  if (!template) return undefined;
  const inNamespace = new Map([
    ['pv.name', volumeName],
    ['pvc.namespace', claim.metadata?.namespace ?? ''],
  ]);
  const inName = new Map(inNamespace).set('pvc.name', claim.metadata?.name ?? '');
  for (const [key, value] of Object.entries(claim.metadata?.annotations ?? {})) {
    inName.set(`pvc.annotations['${key}']`, value);
  }
  return resolveSecret(template, { name: inName, namespace: inNamespace });
}

function templateOf(
  title: string,
  parameters: Parameters,
  prefix: string,
  deprecated: string | undefined,
): Template | undefined {
  const given = (suffix: string, oldSuffix: string): string[] =>
    [deprecated && parameters[deprecated + oldSuffix], parameters[prefix + suffix]].filter(
      (value) => value !== undefined,
    );
  const names = given('name', 'Name');
  const namespaces = given('namespace', 'Namespace');
  const kind = deprecated === undefined && title === 'Default' ? 'default name' : 'name';
  const failed = (why: string) =>
    new Error(`failed to get ${kind} and namespace template from params: ${why}`);
  if (names.length > 1 || namespaces.length > 1) {
    throw failed(`${title} secrets specified in parameters with both "csi" and "${PREFIX}" keys`);
  }
  if (names.length !== namespaces.length) {
    throw failed(`either name and namespace for ${title} secrets specified, Both must be specified`);
  }
  const [name] = names;
  const [namespace] = namespaces;
  if (name === undefined || namespace === undefined) return undefined;
  if (name === '' || namespace === '') {
    throw failed(`${title} secrets specified in parameters but value of either namespace or name is empty`);
  }
  return { name, namespace };
}

/** 'controller-publish' → 'ControllerPublish'. */
function title(purpose: string): string {
  return purpose.replaceAll(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
}
