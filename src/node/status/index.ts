export type { NodeFacts } from './node-object.ts';
export { type NodeStatusOptions, NodeStatusReporter } from './node-status.ts';
