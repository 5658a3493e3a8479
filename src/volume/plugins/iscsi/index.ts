export { createIscsiPlugin } from './iscsi.ts';
