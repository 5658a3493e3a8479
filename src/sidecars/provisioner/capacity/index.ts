export { CapacityPart } from './capacity-part.ts';
export type { CapacityOptions } from './options.ts';
