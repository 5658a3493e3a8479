export { csiStatusOf, S3Error } from './error.ts';
export { type Account, DEFAULT_REGION, S3, type S3Options } from './s3.ts';
