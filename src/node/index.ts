export { ImageError, ImageStore } from './images/index.ts';
export { createNode } from './node.ts';
