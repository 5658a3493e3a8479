import { errorMessage } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type PersistentVolumeClaim, secrets, secretText } from '../../kube/index.ts';
import { type Parameters, PREFIX, type SecretPurpose } from './parameters.ts';

/** Which secret. */
export interface SecretReference {
  readonly name: string;
  readonly namespace: string;
}

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
  return {
    namespace: resolve(template.namespace, inNamespace, isLabel, 'namespace'),
    name: resolve(template.name, inName, isSubdomain, 'secret'),
  };
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

function resolve(
  template: string,
  tokens: ReadonlyMap<string, string>,
  isValid: (text: string) => boolean,
  what: string,
): string {
  const unknown = new Set<string>();
  const resolved = template.replaceAll(/\$\{([^}]*)\}|\$(\w+)/g, (_, braced: string, bare: string) => {
    const token = braced ?? bare;
    const value = tokens.get(token);
    if (value === undefined) unknown.add(token);
    return value ?? '';
  });
  const quoted = JSON.stringify(template);
  if (unknown.size > 0) {
    const list = [...unknown].sort().map((token) => JSON.stringify(token));
    throw new Error(`error resolving value ${quoted}: invalid tokens: [${list.join(' ')}]`);
  }
  if (isValid(resolved)) return resolved;
  const source = template === resolved ? quoted : `${quoted} resolved to ${JSON.stringify(resolved)} which`;
  throw new Error(`${source} is not a valid ${what} name`);
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_FORM = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_FORM = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const isLabel = (text: string) => text.length <= 63 && LABEL_FORM.test(text);
const isSubdomain = (text: string) => text.length <= 253 && SUBDOMAIN_FORM.test(text);

/** 'controller-publish' → 'ControllerPublish'. */
function title(purpose: string): string {
  return purpose.replaceAll(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
}

/** The content of a secret. @throws Error that names the secret, never its content. */
export async function credentialsOf(
  client: Client,
  reference: SecretReference | undefined,
): Promise<Record<string, string>> {
  if (!reference) return {};
  const { name, namespace } = reference;
  try {
    return secretText(await client.get(secrets, { namespace, name }));
  } catch (error) {
    throw new Error(`error getting secret ${name} in namespace ${namespace}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
