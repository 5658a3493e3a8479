import type { StatusCause, Toleration } from '../../../kube/index.ts';
import {
  at,
  invalidValue,
  isLabelValue,
  isQualifiedName,
  notSupported,
  validateWith,
} from '../validation/index.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** Rules: Kubernetes 1.36, pkg/apis/core/validation ValidateTolerations. */
export function tolerationCauses(tolerations: readonly Toleration[], path: string): StatusCause[] {
  return tolerations.flatMap((toleration, index) => {
    const here = at(path, index);
    const { key = '', operator = '', effect = '', value = '', tolerationSeconds } = toleration;
    const causes = key ? validateWith(`${here}.key`, key, isQualifiedName) : [];
    if (!key && operator !== 'Exists') {
      causes.push(
        invalidValue(
          `${here}.operator`,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      causes.push(invalidValue(`${here}.effect`, effect, why));
    }
    causes.push(...operatorCauses(operator, value, here));
    if (effect && !EFFECTS.includes(effect)) {
      causes.push(notSupported(`${here}.effect`, effect, EFFECTS));
    }
    return causes;
  });
}

function operatorCauses(operator: string, value: string, path: string): StatusCause[] {
  const here = `${path}.operator`;
  switch (operator) {
    case '':
    case 'Equal': {
      const found = isLabelValue(value);
      return found.length > 0 ? [invalidValue(here, value, found.join(';'))] : [];
    }
    case 'Exists':
      return value ? [invalidValue(here, value, "value must be empty when `operator` is 'Exists'")] : [];
    case 'Lt':
    case 'Gt':
      return [notSupported(here, operator, ['Equal', 'Exists', 'Lt', 'Gt'])];
    default:
      return [notSupported(here, operator, ['Equal', 'Exists'])];
  }
}
