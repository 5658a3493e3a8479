import {
  type ConfigMap,
  type Container,
  type Pod,
  type Secret,
  type Service,
  type Stored,
  secretText,
} from '../../kube/index.ts';
import { readUnlessOptional } from '../../volume/payloads/index.ts';
import { fieldValue, type PodPlace, resourceValue } from './downward.ts';
import { expand } from './expand.ts';
import { serviceEnvironment } from './service-environment.ts';

/** Reads what environments refer to. */
export interface EnvironmentSources {
  /** In the pod's namespace. Rejects with NotFound when it is not there. */
  configMap(name: string): Promise<ConfigMap>;
  /** The same. */
  secret(name: string): Promise<Secret>;
  /** Those of all namespaces. Resolves once they are known. */
  services(): Promise<Iterable<Stored<Service>>>;
  /** What a file in one of the pod's volumes says of a variable; '' when nothing. */
  fromFile(volumeName: string, path: string, key: string): Promise<FileVariable>;
}

export interface FileVariable {
  readonly value: string;
  /** Where the file is on the host. */
  readonly path: string;
}

/**
 * The environment that a container's spec asks for: envFrom in order, then env, whose values may refer to variables
 * named before them; and what it does not set itself of where the services are. Rules and messages: kubelet, makeEnvironmentVariables.
 * @throws Error when a reference that is not optional leads nowhere.
 */
export async function resolveEnvironment(
  pod: Stored<Pod>,
  container: Container,
  place: PodPlace,
  sources: EnvironmentSources,
): Promise<Map<string, string>> {
  const links = serviceEnvironment(
    await sources.services(),
    pod.metadata.namespace ?? '',
    pod.spec?.enableServiceLinks ?? true,
  );
  // Several variables may come from one object: it is read once, so that they fit together.
  const configMap = once(async (name) => Object.entries((await sources.configMap(name)).data ?? {}));
  const secret = once(async (name) => Object.entries(secretText(await sources.secret(name))));
  const read: Data = {
    configMap: (name, optional) => readUnlessOptional(configMap(name), 'configmap', name, optional),
    secret: (name, optional) => readUnlessOptional(secret(name), 'secret', name, optional),
  };
  const environment = new Map<string, string>();
  for (const { configMapRef, secretRef, prefix = '' } of container.envFrom ?? []) {
    const reference = configMapRef ?? secretRef;
    if (!reference) continue;
    const kind = configMapRef ? 'configMap' : 'secret';
    const data = await read[kind](reference.name ?? '', reference.optional);
    for (const [key, value] of data ?? []) environment.set(prefix + key, value);
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await referredValue(pod, container, variable.valueFrom, place, sources, read)
      : expand(variable.value ?? '', environment, links);
    if (value !== undefined) environment.set(variable.name, value);
  }
  for (const [name, value] of links) if (!environment.has(name)) environment.set(name, value);
  return environment;
}

type ValueFrom = NonNullable<NonNullable<Container['env']>[number]['valueFrom']>;
type Entries = [string, string][];
/** What is in an object; `undefined` when it is not there and need not be. */
type Data = Readonly<
  Record<'configMap' | 'secret', (name: string, optional?: boolean) => Promise<Entries | undefined>>
>;

async function referredValue(
  pod: Stored<Pod>,
  container: Container,
  from: ValueFrom,
  place: PodPlace,
  sources: EnvironmentSources,
  read: Data,
): Promise<string | undefined> {
  if (from.fieldRef) return fieldValue(from.fieldRef.fieldPath, pod, place);
  if (from.resourceFieldRef) {
    const { containerName, resource, divisor } = from.resourceFieldRef;
    const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
    const subject = containerName ? all.find(({ name }) => name === containerName) : container;
    if (!subject) throw new Error(`container ${containerName} not found`);
    return resourceValue(resource, divisor, subject, place);
  }
  if (from.fileKeyRef) {
    const { volumeName, path, key, optional } = from.fileKeyRef;
    const found = await sources.fromFile(volumeName, path, key);
    if (found.value !== '') return found.value;
    if (optional) return undefined;
    throw new Error(
      `environment variable key ${JSON.stringify(key)} not found in file ${JSON.stringify(found.path)}`,
    );
  }
  const reference = from.configMapKeyRef ?? from.secretKeyRef;
  // The API server lets nothing else through: an empty variable, as with the kubelet.
  if (!reference) return '';
  const { name = '', key, optional } = reference;
  const data = await read[from.configMapKeyRef ? 'configMap' : 'secret'](name, optional);
  if (!data) return undefined;
  const value = data.find(([each]) => each === key)?.[1];
  if (value !== undefined || optional) return value;
  const kind = from.configMapKeyRef ? 'ConfigMap' : 'Secret';
  throw new Error(`couldn't find key ${key} in ${kind} ${pod.metadata.namespace}/${name}`);
}

function once<T>(read: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const reading = new Map<string, Promise<T>>();
  return (name) => {
    const found = reading.get(name) ?? read(name);
    reading.set(name, found);
    return found;
  };
}
