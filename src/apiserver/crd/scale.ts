import { badRequest, type KubeObject, type Scale, type StatusCause, type Stored } from '../../kube/index.ts';
import { invalidValue } from '../registry/validation/index.ts';
import { compilePath } from './json-path.ts';
import { isObject, type Json, type ScaleSubresource } from './types.ts';

const MAX_INT32 = 2 ** 31 - 1;

/** The Scale that stands for a custom resource, by the paths of its definition. */
export function scaleOf(object: Stored<KubeObject>, scale: ScaleSubresource): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const number = (path: string) => Number(compilePath(path)?.(object) ?? 0);
  const selector = scale.labelSelectorPath ? compilePath(scale.labelSelectorPath)?.(object) : undefined;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : undefined), uid, resourceVersion, creationTimestamp },
    spec: { replicas: number(scale.specReplicasPath) },
    status: {
      replicas: number(scale.statusReplicasPath),
      ...(typeof selector === 'string' && selector !== '' ? { selector } : undefined),
    },
  } as Scale;
}

/** Why there is no Scale: nothing says how many there are to be. */
export function scaleLack(
  object: KubeObject,
  { specReplicasPath: path }: ScaleSubresource,
): string | undefined {
  const isThere = compilePath(path)?.(object) !== undefined;
  return isThere ? undefined : `the spec replicas field ${JSON.stringify(path)} does not exist`;
}

/** The custom resource with the replicas that a Scale asks for. @throws StatusError 400 */
export function withScale(object: KubeObject, scale: ScaleSubresource, asked: Scale): KubeObject {
  const replicas = (asked.spec?.replicas as unknown) ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas))
    throw badRequest(
      'json: cannot unmarshal value into Go struct field ScaleSpec.spec.replicas of type int32',
    );
  return setAt(object as Json, scale.specReplicasPath.slice(1).split('.'), replicas) as KubeObject;
}

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

function goType(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean'
    ? 'bool'
    : typeof value === 'object'
      ? 'map[string]interface {}'
      : typeof value;
}
