import {
  compareQuantity,
  type LimitRange,
  type LimitRangeItem,
  limitRanges,
  quantityMilliValue,
  type StatusCause,
} from '../../../kube/index.ts';
import {
  at,
  duplicate,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  required,
  validateWith,
} from '../validation/index.ts';
import { createdAtColumn, nameColumn } from './columns.ts';
import { change, each } from './defaulting.ts';
import { defineResource } from './define.ts';
import { containerResourceNameCauses, isOvercommitAllowed, resourceNameCauses } from './resource-names.ts';

export const limitRangeDefinition = defineResource<LimitRange>(limitRanges, {
  columns: [nameColumn(), createdAtColumn()],
  strategy: {
    createsOnUpdate: true,
    defaults: (range) =>
      change(range, 'spec', (spec) => change(spec, 'limits', (limits) => each(limits, defaultItem))),
    validate,
  },
});

/** Containers get a default limit from the maximum, a default request from the limit, or else from the minimum. */
function defaultItem(item: LimitRangeItem): LimitRangeItem {
  if (item.type !== 'Container') return item;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  return {
    ...item,
    default: Object.keys(limits).length > 0 ? limits : undefined,
    defaultRequest: Object.keys(requests).length > 0 ? requests : undefined,
  };
}

const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim'];
const LISTS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

/** Rules: Kubernetes 1.36, pkg/apis/core/validation ValidateLimitRange. */
function validate({ spec }: LimitRange): StatusCause[] {
  const seen = new Set<string>();
  return (spec?.limits ?? []).flatMap((item, index) => {
    const path = at('spec.limits', index);
    const type = item.type ?? '';
    const causes = typeCauses(`${path}.type`, type);
    if (seen.has(type)) causes.push(duplicate(`${path}.type`, type));
    seen.add(type);
    return [...causes, ...nameCauses(item, path), ...amountCauses(item, path)];
  });
}

function typeCauses(path: string, type: string): StatusCause[] {
  const causes = validateWith(path, type, isQualifiedName);
  if (causes.length > 0 || type.includes('/') || TYPES.includes(type)) return causes;
  return [invalidValue(path, type, 'must be a standard limit type or fully qualified')];
}

function nameCauses(item: LimitRangeItem, path: string): StatusCause[] {
  const isPod = item.type === 'Pod';
  const check = isPod || item.type === 'Container' ? containerResourceNameCauses : resourceNameCauses;
  const causes: StatusCause[] = [];
  for (const list of LISTS) {
    if (list === 'maxLimitRequestRatio' && item.type === 'PersistentVolumeClaim') {
      const { min, max } = item;
      if (min?.storage === undefined && max?.storage === undefined) {
        causes.push(
          required(
            `${path}.limits`,
            'either minimum or maximum storage value is required, but neither was provided',
          ),
        );
      }
    }
    if (isPod && (list === 'default' || list === 'defaultRequest')) {
      if (item[list]) {
        causes.push(forbiddenField(`${path}.${list}`, "may not be specified when `type` is 'Pod'"));
      }
      continue;
    }
    for (const name of Object.keys(item[list] ?? {}))
      causes.push(...check(at(`${path}.${list}`, name), name));
  }
  return causes;
}

/** What has to be at most what, and where and with which value a breach is told. */
const ORDER = [
  ['min', 'max', 'min', 'min', 'min value', 'max value'],
  ['min', 'defaultRequest', 'defaultRequest', 'defaultRequest', 'min value', 'default request value'],
  ['defaultRequest', 'max', 'defaultRequest', 'defaultRequest', 'default request value', 'max value'],
  [
    ...(['defaultRequest', 'default', 'defaultRequest', 'defaultRequest'] as const),
    ...(['default request value', 'default limit value'] as const),
  ],
  ['min', 'default', 'default', 'min', 'min value', 'default value'],
  ['default', 'max', 'default', 'max', 'default value', 'max value'],
] as const;

function amountCauses(item: LimitRangeItem, path: string): StatusCause[] {
  const amounts = item.type === 'Pod' ? { ...item, default: undefined, defaultRequest: undefined } : item;
  const names = new Set(LISTS.flatMap((list) => Object.keys(amounts[list] ?? {})));
  return [...names].flatMap((name) => {
    const causes: StatusCause[] = [];
    for (const [low, high, field, shown, lowWord, highWord] of ORDER) {
      const [a, b] = [amounts[low]?.[name], amounts[high]?.[name]];
      if (a === undefined || b === undefined || compareQuantity(a, b) <= 0) continue;
      const why = `${lowWord} ${a} is greater than ${highWord} ${b}`;
      causes.push(invalidValue(at(`${path}.${field}`, name), amounts[shown]?.[name], why));
    }
    causes.push(...ratioCauses(amounts, name, at(`${path}.maxLimitRequestRatio`, name)));
    const [limit, request] = [amounts.default?.[name], amounts.defaultRequest?.[name]];
    if (!isOvercommitAllowed(name) && limit && request && compareQuantity(limit, request) !== 0) {
      const why = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`;
      causes.push(invalidValue(at(`${path}.defaultRequest`, name), request, why));
    }
    return causes;
  });
}

function ratioCauses(
  { maxLimitRequestRatio, min, max }: LimitRangeItem,
  name: string,
  path: string,
): StatusCause[] {
  const ratio = maxLimitRequestRatio?.[name];
  if (ratio === undefined) return [];
  const causes: StatusCause[] = [];
  if (compareQuantity(ratio, '1') < 0)
    causes.push(invalidValue(path, ratio, `ratio ${ratio} is less than 1`));
  if (min?.[name] === undefined || max?.[name] === undefined) return causes;
  const highest = Number(quantityMilliValue(max[name])) / Number(quantityMilliValue(min[name]));
  if (Number(quantityMilliValue(ratio)) / 1000 > highest) {
    causes.push(invalidValue(path, ratio, `ratio ${ratio} is greater than max/min = ${highest.toFixed(6)}`));
  }
  return causes;
}
