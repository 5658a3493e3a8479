export { withClaimRef } from './claim-ref.ts';
export { canHold, couldTake, isFree, mismatch } from './matching.ts';
