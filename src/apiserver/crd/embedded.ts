import type { ObjectMeta, StatusCause } from '../../kube/index.ts';
import { DecodeError, decode, findModel } from '../registry/schema/index.ts';
import { invalidValue, isDNS1035Label, required, validateMetadata } from '../registry/validation/index.ts';
import { isPathSegment } from '../registry/validation/names.ts';
import { fieldOf, type Structural } from './structural.ts';
import { isObject, type Json } from './types.ts';

/**
 * Objects inside of objects (x-kubernetes-embedded-resource) have type and metadata as whole ones. Rules:
 * apiextensions-apiserver schema/objectmeta. `isEmbedded`: whether this object is one; the outermost is checked
 * by itself.
 */
export function validateEmbedded(
  node: Structural | undefined,
  value: unknown,
  path = '',
  isEmbedded = false,
): StatusCause[] {
  if (node === undefined) return [];
  if (Array.isArray(value))
    return value.flatMap((item, index) =>
      validateEmbedded(node.items, item, `${path}[${index}]`, node.items?.embedded),
    );
  if (!isObject(value)) return [];
  const below = Object.keys(value).flatMap((name) => {
    const inner = fieldOf(node, name);
    if (!inner) return [];
    const place = node.properties.has(name) ? child(path, name) : `${path}[${name}]`;
    return validateEmbedded(inner, value[name], place, inner.embedded);
  });
  return isEmbedded ? [...validateObject(value, path), ...below] : below;
}

function validateObject(value: Json, path: string): StatusCause[] {
  const { apiVersion, kind, metadata } = value;
  return [
    ...(apiVersion === undefined ? [required(child(path, 'apiVersion'))] : validateVersion(apiVersion, path)),
    ...(kind === undefined ? [required(child(path, 'kind'))] : validateKind(kind, path)),
    ...(metadata === undefined ? [] : validateMeta(metadata, path)),
  ];
}

function validateVersion(value: unknown, path: string): StatusCause[] {
  const field = child(path, 'apiVersion');
  if (typeof value !== 'string') return [invalidValue(field, value, 'must be a string')];
  if (value === '') return [invalidValue(field, value, 'must not be empty')];
  if (value.split('/').length > 2)
    return [invalidValue(field, value, `unexpected GroupVersion string: ${value}`)];
  return [];
}

function validateKind(value: unknown, path: string): StatusCause[] {
  const field = child(path, 'kind');
  if (typeof value !== 'string') return [invalidValue(field, value, 'must be a string')];
  if (value === '') return [invalidValue(field, value, 'must not be empty')];
  const wrong = isDNS1035Label(value.toLowerCase());
  if (wrong.length === 0) return [];
  return [invalidValue(field, value, `may have mixed case, but should otherwise match: ${wrong.join(',')}`)];
}

function validateMeta(value: unknown, path: string): StatusCause[] {
  const field = child(path, 'metadata');
  try {
    const metadata = decode(findModel('V1ObjectMeta')!, value, undefined, {
      unknownFields: [],
    }) as ObjectMeta;
    const named = metadata.name ? metadata : { ...metadata, name: 'fakename' };
    return validateMetadata(named, isPathSegment).map((cause) => ({
      ...cause,
      field: child(path, cause.field ?? 'metadata'),
    }));
  } catch (error) {
    if (error instanceof DecodeError) return [invalidValue(field, value, error.message)];
    throw error;
  }
}

const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
