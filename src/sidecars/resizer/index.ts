export type { ResizerOptions } from './options.ts';
export { createResizer } from './resizer.ts';
