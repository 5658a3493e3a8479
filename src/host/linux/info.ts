import { readFileSync } from 'node:fs';
import { arch, availableParallelism, hostname, release, totalmem } from 'node:os';
import type { HostInfo } from '../host.ts';

/** Architectures as Go, and so Kubernetes, names them. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', loong64: 'loong64' };

export function hostInfo(): HostInfo {
  const osRelease = readOr('/etc/os-release', '');
  return {
    hostname: hostname(),
    architecture: GO_ARCHITECTURES[arch()] ?? arch(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    machineId: readOr('/etc/machine-id', '').trim(),
    bootId: readOr('/proc/sys/kernel/random/boot_id', '').trim(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
