export { type AttacherOptions, createAttacher } from './attacher.ts';
