import { mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, errorMessage, type LogLevel, systemClock, systemRandom } from '../base/index.ts';
import { CsiError } from '../csi/index.ts';
import { createLinuxHost } from '../host/index.ts';
import { isQuantity, quantityValue } from '../kube/index.ts';
import {
  FORMATS,
  headText,
  isConformant,
  resultText,
  SECRET_NAMES,
  type Secrets,
  summaryText,
  verifyDriver,
} from '../testing/verify/index.ts';
import { UsageError } from './usage-error.ts';

export interface VerifyCommandOptions {
  csiAddress: string;
  csiControllerAddress?: string;
  output: keyof typeof FORMATS;
  outputFile?: string;
  accessType: 'mount' | 'block';
  size: string;
  parametersFile?: string;
  mutableParametersFile?: string;
  snapshotParametersFile?: string;
  secretsFile?: string;
  restartCommand?: string;
  lifeCycle: boolean;
  only?: string;
  timeout: number;
  logLevel: LogLevel;
}

type TextMap = Readonly<Record<string, string>>;

/** `stowage verify`. Resolves to the exit code: 0 when the driver met every check, 1 when not. @throws UsageError */
export async function verify(options: VerifyCommandOptions): Promise<number> {
  const [parameters, mutableParameters, snapshotParameters, secrets] = await Promise.all([
    readMap('--parameters-file', options.parametersFile),
    readMap('--mutable-parameters-file', options.mutableParametersFile),
    readMap('--snapshot-parameters-file', options.snapshotParametersFile),
    readSecrets(options.secretsFile),
  ]);
  const stop = new AbortController();
  const onSignal = () => stop.abort(new UsageError('stopped; what the checks made has been taken away'));
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const host = createLinuxHost({ clock: systemClock });
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'stowage-verify-')));
  // Text is told while it happens; the other formats are written whole.
  const tell = (text: string) => {
    if (options.output === 'text' && options.outputFile === undefined) process.stdout.write(text);
  };
  try {
    const report = await verifyDriver(
      {
        endpoint: options.csiAddress,
        controllerEndpoint: options.csiControllerAddress,
        directory,
        accessType: options.accessType,
        sizeBytes: sizeOf(options.size),
        parameters,
        mutableParameters,
        snapshotParameters,
        secrets,
        restartCommand: options.restartCommand,
        lifeCycle: options.lifeCycle,
        only: options.only,
        timeoutMs: options.timeout * 1000,
        onResult: (result) => tell(resultText(result)),
        signal: stop.signal,
        host,
        clock: systemClock,
        random: systemRandom,
        log: createLogger({
          level: options.logLevel,
          now: () => systemClock.now(),
          sink: (line) => process.stderr.write(`${line}\n`),
        }),
      },
      (introduction) => tell(headText(introduction)),
    );
    tell(summaryText(report));
    const text = FORMATS[options.output](report);
    if (options.outputFile !== undefined) await writeReport(options.outputFile, text);
    else if (options.output !== 'text') process.stdout.write(text);
    return isConformant(report) ? 0 : 1;
  } catch (error) {
    if (error instanceof CsiError)
      throw new UsageError(`no check could be made: ${error.message}; is the driver running on this socket?`);
    throw error;
  } finally {
    await host.files.removeTree(directory);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function sizeOf(text: string): bigint {
  if (!isQuantity(text) || quantityValue(text) <= 0n)
    throw new UsageError(`--size ${JSON.stringify(text)}: must be an amount of storage, as 1Gi`);
  return quantityValue(text);
}

async function writeReport(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new UsageError(`--output-file ${path} cannot be written: ${errorMessage(error)}`);
  }
}

async function readYaml(flag: string, path: string | undefined): Promise<unknown> {
  if (path === undefined) return undefined;
  try {
    const { parse } = await import('yaml');
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${flag} ${path} cannot be read: ${errorMessage(error)}`);
  }
}

async function readMap(flag: string, path: string | undefined): Promise<TextMap | undefined> {
  const value = await readYaml(flag, path);
  if (path === undefined || value === null) return undefined;
  if (!isTextMap(value)) throw new UsageError(`${flag} ${path}: must be a map of texts, KEY: "value"`);
  return value;
}

async function readSecrets(path: string | undefined): Promise<Secrets | undefined> {
  const value = await readYaml('--secrets-file', path);
  if (path === undefined || value === null) return undefined;
  const known = `it has maps of texts under ${SECRET_NAMES.join(', ')}`;
  if (typeof value !== 'object') throw new UsageError(`--secrets-file ${path}: ${known}`);
  for (const [name, secrets] of Object.entries(value as object)) {
    // The values are nobody's business, not even in an error.
    if (!SECRET_NAMES.includes(name))
      throw new UsageError(`--secrets-file ${path}: unknown ${name}; ${known}`);
    if (!isTextMap(secrets)) throw new UsageError(`--secrets-file ${path}: ${name} must be a map of texts`);
  }
  return value as Secrets;
}

function isTextMap(value: unknown): value is TextMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((item) => typeof item === 'string')
  );
}
