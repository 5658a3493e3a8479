export { fileWithin } from './resolve-within.ts';
export { type Unpacked, unpackLayer } from './unpack-layer.ts';
