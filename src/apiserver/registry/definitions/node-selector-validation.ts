import type {
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  StatusCause,
} from '../../../kube/index.ts';
import {
  at,
  forbiddenField,
  invalidValue,
  isDNS1123Subdomain,
  isLabelValue,
  isQualifiedName,
  required,
  validateWith,
} from '../validation/index.ts';

/** Rules: Kubernetes 1.36, pkg/apis/core/validation ValidateNodeSelector. */
export function nodeSelectorCauses(selector: NodeSelector, path: string): StatusCause[] {
  const here = `${path}.nodeSelectorTerms`;
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) return [required(here, 'must have at least one node selector term')];
  return terms.flatMap((term, index) => nodeSelectorTermCauses(term, at(here, index)));
}

/** `anyValue`: one that no label could have is let through, as upstream does where a term is only preferred. */
export function nodeSelectorTermCauses(
  term: NodeSelectorTerm,
  path: string,
  anyValue = false,
): StatusCause[] {
  const { matchExpressions = [], matchFields = [] } = term;
  return [
    ...matchExpressions.flatMap((one, index) =>
      labelCauses(one, at(`${path}.matchExpressions`, index), anyValue),
    ),
    ...matchFields.flatMap((one, index) => fieldCauses(one, at(`${path}.matchFields`, index))),
  ];
}

function labelCauses(
  { key, operator, values = [] }: NodeSelectorRequirement,
  path: string,
  anyValue: boolean,
): StatusCause[] {
  return [
    ...operatorCauses(operator, values, path),
    ...validateWith(`${path}.key`, key ?? '', isQualifiedName),
    ...(anyValue ? [] : values).flatMap((value, index) =>
      validateWith(at(`${path}.values`, index), value, isLabelValue),
    ),
  ];
}

function operatorCauses(operator: string, values: readonly string[], path: string): StatusCause[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length > 0) return [];
      return [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    case 'Exists':
    case 'DoesNotExist':
      if (values.length === 0) return [];
      return [
        forbiddenField(
          `${path}.values`,
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
      ];
    case 'Gt':
    case 'Lt':
      if (values.length === 1) return [];
      return [required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [invalidValue(`${path}.operator`, operator ?? '', 'not a valid selector operator')];
  }
}

function fieldCauses({ key, operator, values = [] }: NodeSelectorRequirement, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  if (operator !== 'In' && operator !== 'NotIn') {
    causes.push(invalidValue(`${path}.operator`, operator ?? '', 'not a valid selector operator'));
  } else if (values.length !== 1) {
    causes.push(
      required(
        `${path}.values`,
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      ),
    );
  }
  if (key !== 'metadata.name') {
    causes.push(invalidValue(`${path}.key`, key ?? '', 'not a valid field selector key'));
    return causes;
  }
  return [
    ...causes,
    ...values.flatMap((value, index) => validateWith(at(`${path}.values`, index), value, isDNS1123Subdomain)),
  ];
}
