export { createImagePlugin } from './image.ts';
