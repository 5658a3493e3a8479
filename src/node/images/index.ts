export { ImageError } from './archive.ts';
export { type ImageConfig, type Images, type LoadedImage, NO_IMAGES, type UserTables } from './contract.ts';
export { withTag } from './reference.ts';
export { ImageStore } from './store.ts';
