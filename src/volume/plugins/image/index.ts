export { createImagePlugin, mountImage } from './image.ts';
