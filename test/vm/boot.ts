import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool, hasKvm, initramfs, type Kernel } from './machine.ts';

const MEMORY_MIB = 3072;
/** Emulation is slower by a factor of ten. */
const LIMIT_MINUTES = { kvm: 15, emulated: 90 };

/** An old processor is quicker to emulate than one with long registers. */
const ACCELERATIONS = {
  kvm: ['-accel', 'kvm', '-cpu', 'host'],
  emulated: ['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'Nehalem'],
};

/** Runs a command in a virtual machine that has this machine's root file system; its output is ours. Returns its exit code. */
export async function boot(kernel: Kernel, busybox: string, command: string): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-vm-'));
  try {
    await writeFile(join(directory, 'initramfs'), initramfs(kernel, busybox));
    await writeFile(join(directory, 'command'), command);
    return await run(kernel.image, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function run(kernel: string, directory: string): Promise<number> {
  const acceleration = hasKvm() ? 'kvm' : 'emulated';
  if (acceleration === 'emulated')
    process.stderr.write('/dev/kvm cannot be used: the machine is emulated, which takes ten times as long\n');
  const channel = (name: string) => ['-device', `virtserialport,chardev=${name},name=${name}`];
  const child = spawn(
    findTool('qemu-system-x86_64')!,
    [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-nic', 'none'],
      ...ACCELERATIONS[acceleration],
      ...['-machine', 'q35', '-smp', '2', '-m', String(MEMORY_MIB)],
      ...['-kernel', kernel, '-initrd', join(directory, 'initramfs')],
      '-append',
      `console=ttyS0 loglevel=4 panic=-1 rdinit=/init stowage.guest=${join(import.meta.dirname, 'guest.sh')}`,
      ...['-serial', `file:${join(directory, 'console')}`],
      ...['-fsdev', 'local,id=root,path=/,security_model=none,readonly=on,multidevs=remap'],
      ...['-device', 'virtio-9p-pci,fsdev=root,mount_tag=root'],
      ...['-device', 'virtio-serial-pci', '-device', 'virtio-rng-pci'],
      ...['-chardev', 'stdio,id=output,signal=off', ...channel('output')],
      ...['-chardev', `file,id=result,path=${join(directory, 'result')}`, ...channel('result')],
      ...['-fw_cfg', `name=opt/stowage/command,file=${join(directory, 'command')}`],
    ],
    // Its input stays open: at the end of it the machine's port would be closed.
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  child.stdout.pipe(process.stdout, { end: false });
  const minutes = LIMIT_MINUTES[acceleration];
  const limit = setTimeout(() => child.kill('SIGKILL'), minutes * 60_000);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGKILL'));
  await once(child, 'close');
  clearTimeout(limit);
  const result = await readFile(join(directory, 'result'), 'utf8').catch(() => '');
  const code = /^exit (\d+)$/m.exec(result)?.[1];
  if (code !== undefined) return Number(code);
  const console = await readFile(join(directory, 'console'), 'utf8').catch(() => '');
  throw new Error(
    `the virtual machine ended without a result, or took longer than ${minutes} minutes; the end of what its console said:\n${console.slice(-4000)}`,
  );
}
