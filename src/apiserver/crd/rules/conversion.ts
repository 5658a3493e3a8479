import type { StatusCause } from '../../../kube/index.ts';
import { forbiddenField, notSupported, required } from '../../registry/validation/index.ts';
import type { CrdSpec } from '../types.ts';

/** Versions differ in their apiVersion alone: this server calls no conversion webhook, and says so at once. */
export function validateConversion({ conversion }: CrdSpec): StatusCause[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  if (!strategy) return [required('spec.conversion.strategy')];
  if (strategy === 'Webhook')
    return [
      forbiddenField(
        'spec.conversion.strategy',
        'conversion webhooks are not called by this server; serve versions that differ in their schema alone, and use "None"',
      ),
    ];
  if (strategy !== 'None') return [notSupported('spec.conversion.strategy', strategy, ['None', 'Webhook'])];
  const why = 'should not be set when strategy is not set to Webhook';
  return [
    ...(webhook?.clientConfig ? [forbiddenField('spec.conversion.webhookClientConfig', why)] : []),
    ...(webhook?.conversionReviewVersions?.length
      ? [forbiddenField('spec.conversion.conversionReviewVersions', why)]
      : []),
  ];
}
