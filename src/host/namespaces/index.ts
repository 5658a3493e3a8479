export { deepestAbove, hostAcross } from './across.ts';
export { entering, type MountNamespace, mountNamespaceOf } from './mount-namespace.ts';
