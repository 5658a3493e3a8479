import type { LabelSelector, StatusCause } from '../../../kube/index.ts';
import {
  at,
  forbiddenField,
  invalidValue,
  isLabelValue,
  isQualifiedName,
  required,
  validateLabels,
  validateWith,
} from '../validation/index.ts';

/** Rules: Kubernetes 1.36, apimachinery meta/v1/validation ValidateLabelSelector. */
export function labelSelectorCauses(selector: LabelSelector | undefined, path: string): StatusCause[] {
  if (!selector) return [];
  const causes = validateLabels(`${path}.matchLabels`, selector.matchLabels);
  for (const [index, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const here = at(`${path}.matchExpressions`, index);
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        causes.push(required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        causes.push(
          forbiddenField(
            `${here}.values`,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          ),
        );
      }
    } else {
      causes.push(invalidValue(`${here}.operator`, operator ?? '', 'not a valid selector operator'));
    }
    causes.push(...validateWith(`${here}.key`, key ?? '', isQualifiedName));
    for (const [place, value] of values.entries()) {
      causes.push(...validateWith(at(`${here}.values`, place), value, isLabelValue));
    }
  }
  return causes;
}
