import { parse } from 'yaml';
import { errorMessage } from '../../base/index.ts';
import type { Files } from '../../host/index.ts';
import { ConfigError, type ProvisionerConfig, parseConfig } from './config.ts';

/** As Kubernetes reads it: `yes` and `on` are true. */
const YAML = { version: '1.1' } as const;

/**
 * Reads a configuration: a directory with a file for each key, as a ConfigMap is mounted, or a file with a ConfigMap, or
 * with what is in one.
 * @throws ConfigError that names the path.
 */
export async function readConfig(path: string, files: Files): Promise<ProvisionerConfig> {
  try {
    const real = await files.realPath(path);
    const stat = await files.stat(real);
    return parseConfig(
      stat?.kind === 'directory' ? await keysIn(real, files) : keysOf(await files.read(real)),
    );
  } catch (error) {
    throw new ConfigError(`the configuration ${path} cannot be used: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** Directories are left out, and with them where the keys of a mounted ConfigMap really are. Source: LoadProvisionerConfigs. */
async function keysIn(directory: string, files: Files): Promise<Record<string, unknown>> {
  const keys: Record<string, unknown> = {};
  for (const name of await files.list(directory)) {
    const path = `${directory}/${name}`;
    if (name === '..data' || (await files.stat(path))?.kind === 'directory') continue;
    keys[name] = yamlOf(name, await files.read(path));
  }
  return keys;
}

function keysOf(text: string): Record<string, unknown> {
  const document: unknown = parse(text, YAML);
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new ConfigError('it must be a ConfigMap, or a mapping with its keys');
  const { kind, data } = document as { kind?: unknown; data?: unknown };
  if (kind === undefined) return document as Record<string, unknown>;
  if (kind !== 'ConfigMap') throw new ConfigError(`it is a ${String(kind)}, and a ConfigMap is wanted`);
  return Object.fromEntries(
    Object.entries((data ?? {}) as Record<string, unknown>).map(([key, value]) => [
      key,
      typeof value === 'string' ? yamlOf(key, value) : value,
    ]),
  );
}

function yamlOf(key: string, text: string): unknown {
  try {
    return parse(text, YAML);
  } catch (error) {
    throw new ConfigError(`${key}: ${errorMessage(error).split('\n')[0]}`, { cause: error });
  }
}
