import type { Patch } from '../../../client/index.ts';
import { invalid, type KubeObject, type StatusError } from '../../../kube/index.ts';
import { goValue } from './go-value.ts';

const HIDDEN = '(hidden)';

/**
 * What upstream says of a patch whose outcome cannot be read as the object's kind: 422, of no kind and no name, with the
 * patched object (of a strategic patch: the patch) as the value. A Secret's is not repeated.
 */
export function misfit(patch: Patch, patched: KubeObject, kind: string, why: string): StatusError {
  const isStrategic = patch.type === 'strategic';
  const shown = isStrategic ? goValue(patch.body) : JSON.stringify(patched);
  const value = JSON.stringify(kind === 'Secret' ? HIDDEN : shown);
  const message = `Invalid value: ${value}: ${isStrategic ? converted(why) : why}`;
  return invalid({ group: '', kind: '' }, '', [{ reason: 'FieldValueInvalid', message, field: 'patch' }]);
}

const UNFIT = /^json: cannot unmarshal (\w+)(?: (\S+))? into Go (?:struct field \S+|value) of type (\S+)$/;

/**
 * What has been patched or applied as a map is no JSON any more when it is read: the same misfits in the words of upstream's
 * converter of maps.
 */
export function converted(why: string): string {
  const [, json = '', number, type = ''] = UNFIT.exec(why) ?? [];
  if (type === '') return why;
  const found = json === 'number' ? (number === undefined ? 'int64' : 'float64') : (GO_KINDS[json] ?? json);
  if (type.startsWith('[]')) return `cannot restore slice from ${found}`;
  if (type.startsWith('map[')) return `cannot restore map from ${found}`;
  if (type.includes('.')) return `cannot restore struct from: ${found}`;
  return type === 'string' && json === 'number'
    ? `cannot convert ${found} to string`
    : `unrecognized type: ${type}`;
}

const GO_KINDS: Readonly<Record<string, string>> = { array: 'slice', object: 'map' };
