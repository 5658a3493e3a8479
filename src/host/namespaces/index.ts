export { deepestAbove, hostAcross } from './across.ts';
export { LET_GO_OF_OTHERS_LOOPS } from './let-go.ts';
export { entering, type MountNamespace, mountNamespaceOf } from './mount-namespace.ts';
