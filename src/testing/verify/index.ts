export { FORMATS, headText, resultText, summaryText } from './formats.ts';
export type { VerifyOptions } from './options.ts';
export { type CheckResult, isConformant, type Report } from './report.ts';
export { verifyDriver } from './run.ts';
export { SECRET_NAMES, type Secrets } from './secrets.ts';
