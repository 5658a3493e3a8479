import type { KubeObject, Scale, StatusCause, Stored } from '../../kube/index.ts';
import type { ReplicasPaths } from '../registry/managed-fields/index.ts';
import { goType } from '../registry/patch/index.ts';
import { invalidValue } from '../registry/validation/index.ts';
import { compilePath } from './json-path.ts';
import { type CrdVersion, isObject, type Json, type ScaleSubresource } from './types.ts';

const MAX_INT32 = 2 ** 31 - 1;

/** The Scale that stands for a custom resource, by the paths of its definition. */
export function scaleOf(object: Stored<KubeObject>, scale: ScaleSubresource): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const number = (path: string) => Number(compilePath(path)?.(object) ?? 0);
  const replicas = number(scale.specReplicasPath);
  const selector = scale.labelSelectorPath ? compilePath(scale.labelSelectorPath)?.(object) : undefined;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : undefined), uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: number(scale.statusReplicasPath),
      ...(typeof selector === 'string' && selector !== '' ? { selector } : undefined),
    },
  } as Scale;
}

/** The path of the replicas when the object does not say how many there are to be. */
export function scaleLack(
  object: KubeObject,
  { specReplicasPath: path }: ScaleSubresource,
): string | undefined {
  return compilePath(path)?.(object) === undefined ? path : undefined;
}

/** The custom resource with the replicas that a Scale asks for. */
export function withScale(object: KubeObject, scale: ScaleSubresource, asked: Scale): KubeObject {
  return setAt(object as Json, namesOf(scale.specReplicasPath), asked.spec?.replicas ?? 0) as KubeObject;
}

/** The path to the replicas of each version of a definition. */
export function replicasPaths(group: string, versions: readonly CrdVersion[]): ReplicasPaths {
  return Object.fromEntries(
    versions.map(({ name, subresources }) => {
      const path = subresources?.scale?.specReplicasPath;
      return [`${group}/${name}`, path === undefined ? null : namesOf(path)];
    }),
  );
}

const namesOf = (path: string): readonly string[] => path.slice(1).split('.');

function setAt(object: Json, [name, ...rest]: readonly string[], value: unknown): Json {
  const inner = object[name!];
  return { ...object, [name!]: rest.length === 0 ? value : setAt(isObject(inner) ? inner : {}, rest, value) };
}

/** What the paths of the scale subresource must hold in an object. */
export function validateScale(
  object: KubeObject,
  scale: ScaleSubresource,
  part: 'spec' | 'all',
): StatusCause[] {
  const causes = replicas(object, scale.specReplicasPath);
  if (part === 'spec') return causes;
  return [...causes, ...validateScaleStatus(object, scale)];
}

export function validateScaleStatus(object: KubeObject, scale: ScaleSubresource): StatusCause[] {
  const causes = replicas(object, scale.statusReplicasPath);
  const { labelSelectorPath: path } = scale;
  const selector = path ? compilePath(path)?.(object) : undefined;
  if (path && selector !== undefined && typeof selector !== 'string')
    causes.push(
      invalidValue(
        path,
        '',
        `${path} accessor error: ${JSON.stringify(selector)} is of the type ${goType(selector)}, expected string`,
      ),
    );
  return causes;
}

function replicas(object: KubeObject, path: string): StatusCause[] {
  const value = compilePath(path)?.(object);
  if (value === undefined) return [];
  if (typeof value !== 'number' || !Number.isInteger(value))
    return [
      invalidValue(
        path,
        0,
        `${path} accessor error: ${typeof value === 'string' ? value : JSON.stringify(value)} is of the type ${goType(value)}, expected int64`,
      ),
    ];
  if (value < 0) return [invalidValue(path, value, 'should be a non-negative integer')];
  return value > MAX_INT32 ? [invalidValue(path, value, `should be less than or equal to ${MAX_INT32}`)] : [];
}
