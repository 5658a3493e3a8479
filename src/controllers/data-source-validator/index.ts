export { createDataSourceValidator } from './data-source-validator.ts';
