import {
  type ConfigMap,
  type Container,
  type Pod,
  type Secret,
  type Service,
  type Stored,
  secretText,
} from '../../kube/index.ts';
import { fieldValue, type PodPlace, resourceValue } from './downward.ts';
import { expand } from './expand.ts';
import { serviceEnvironment } from './service-environment.ts';

/** Reads what environments refer to, in the pod's namespace. Reject with NotFound when it is not there. */
export interface EnvironmentSources {
  configMap(name: string): Promise<ConfigMap>;
  secret(name: string): Promise<Secret>;
  /** Those of all namespaces. Resolves once they are known. */
  services(): Promise<Iterable<Stored<Service>>>;
  /** Whether a rejection says that the object is not there. */
  isAbsent(error: unknown): boolean;
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
  const environment = new Map<string, string>();
  for (const from of container.envFrom ?? []) {
    const { configMapRef, secretRef, prefix = '' } = from;
    const reference = configMapRef ?? secretRef;
    if (!reference) continue;
    const data = configMapRef
      ? await found(sources.configMap(reference.name ?? ''), reference.optional, sources, configMapData)
      : await found(sources.secret(reference.name ?? ''), reference.optional, sources, secretData);
    for (const [key, value] of data ?? []) environment.set(prefix + key, value);
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await referredValue(pod, container, variable.valueFrom, place, sources)
      : expand(variable.value ?? '', environment, links);
    if (value !== undefined) environment.set(variable.name, value);
  }
  for (const [name, value] of links) if (!environment.has(name)) environment.set(name, value);
  return environment;
}

type ValueFrom = NonNullable<NonNullable<Container['env']>[number]['valueFrom']>;

async function referredValue(
  pod: Stored<Pod>,
  container: Container,
  from: ValueFrom,
  place: PodPlace,
  sources: EnvironmentSources,
): Promise<string | undefined> {
  if (from.fieldRef) return fieldValue(from.fieldRef.fieldPath, pod, place);
  if (from.resourceFieldRef) {
    const { containerName, resource, divisor } = from.resourceFieldRef;
    const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    const subject = containerName ? all.find(({ name }) => name === containerName) : container;
    if (!subject) throw new Error(`container ${containerName} not found`);
    return resourceValue(resource, divisor, subject, place);
  }
  const reference = from.configMapKeyRef ?? from.secretKeyRef;
  if (!reference) throw new Error('environment variable has a source that is not supported');
  const { name = '', key, optional } = reference;
  const data = from.configMapKeyRef
    ? await found(sources.configMap(name), optional, sources, configMapData)
    : await found(sources.secret(name), optional, sources, secretData);
  const value = data?.get(key);
  if (value !== undefined || optional) return value;
  const kind = from.configMapKeyRef ? 'ConfigMap' : 'Secret';
  throw new Error(`couldn't find key ${key} in ${kind} ${pod.metadata.namespace}/${name}`);
}

async function found<T>(
  reading: Promise<T>,
  optional: boolean | undefined,
  sources: EnvironmentSources,
  data: (object: T) => Map<string, string>,
): Promise<Map<string, string> | undefined> {
  try {
    return data(await reading);
  } catch (error) {
    if (optional && sources.isAbsent(error)) return undefined;
    throw error;
  }
}

const configMapData = (object: ConfigMap) => new Map(Object.entries(object.data ?? {}));
const secretData = (object: Secret) => new Map(Object.entries(secretText(object)));
