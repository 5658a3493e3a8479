export { ImageError, ImageStore, NO_IMAGES } from './images/index.ts';
export { createNode } from './node.ts';
