export { type Encryption, readEncryption } from './config.ts';
export { encryptingEngine } from './encrypting-engine.ts';
export { isEncrypted } from './transformer.ts';
