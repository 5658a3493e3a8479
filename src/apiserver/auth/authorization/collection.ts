import { type FieldTerm, parseFieldSelector } from '../../../kube/index.ts';
import type { ResourceAttributes } from './contract.ts';

/** A list, watch or deletecollection with the field selector it carries: who asks for one name only asks about that. */
export function withSelector(
  attributes: ResourceAttributes,
  selector: string | null | undefined,
): ResourceAttributes {
  if (!selector) return attributes;
  const fieldSelector = termsOf(selector);
  if (!fieldSelector) return attributes;
  const one = fieldSelector.find(({ path, equals }) => path === 'metadata.name' && equals)?.value;
  return { ...attributes, fieldSelector, name: attributes.name || one };
}

/** `undefined` when it cannot be read: whoever serves the request says so. */
function termsOf(selector: string): readonly FieldTerm[] | undefined {
  try {
    return parseFieldSelector(selector);
  } catch {
    return undefined;
  }
}
