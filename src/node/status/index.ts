export type { NodeFacts } from './node-object.ts';
export { NodeStatusReporter } from './node-status.ts';
