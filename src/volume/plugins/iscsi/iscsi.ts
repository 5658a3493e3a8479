import { type Clock, errorMessage, InTurn } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import type { Host } from '../../../host/index.ts';
import { secrets, secretText } from '../../../kube/index.ts';
import type { VolumePlugin, VolumeSpec } from '../../plugin.ts';
import { createBindMounter } from '../scsi/bind-mounter.ts';
import { createScsiBlockMapper } from '../scsi/block-mapper.ts';
import { attachIscsiDisk } from './attach-disk.ts';
import { createIscsiDeviceMounter, detachNotedDisk, noteDisk } from './device-mounter.ts';
import type { Chap } from './login.ts';
import {
  diskOf,
  findIscsi,
  ISCSI_PLUGIN,
  iscsiGlobalPath,
  iscsiRelativePath,
  iscsiVolumeName,
  isReadOnly,
  reconstructedIscsi,
  secretOf,
  sourceOf,
} from './source.ts';

export interface IscsiOptions {
  readonly client: Client;
  readonly host: Host;
  readonly clock: Clock;
  readonly nodeRoot: string;
}

/** Disks of iSCSI targets. They are attached by nobody: the node logs in itself. Source: pkg/volume/iscsi. */
export function createIscsiPlugin(options: IscsiOptions): VolumePlugin {
  const { client, host, nodeRoot } = options;
  const locks = new InTurn();
  const deviceMounter = createIscsiDeviceMounter({ host, nodeRoot, locks });
  return {
    name: ISCSI_PLUGIN,
    canSupport: (spec) => findIscsi(spec) !== undefined,
    volumeName: iscsiVolumeName,
    requiresRemount: () => false,
    supportsMountOptions: true,
    attacher: {
      canAttach: () => true,
      attach: async () => '',
      detach: async () => undefined,
      async waitForAttach(spec, _nodeName, _devicePath, signal, pod) {
        const disk = diskOf(spec);
        const chap = await chapOf(client, spec, pod?.metadata.namespace, signal);
        return await locks.run(disk.Iqn, async () => {
          const device = await attachIscsiDisk(options, disk, chap, signal);
          await noteDisk(host, iscsiGlobalPath(nodeRoot, spec), disk);
          return device;
        });
      },
    },
    deviceMounter,
    blockMapper: createScsiBlockMapper({
      host,
      nodeRoot,
      pluginName: ISCSI_PLUGIN,
      depth: 2,
      relativePath: (spec) => findIscsi(spec) && iscsiRelativePath(diskOf(spec)),
      parse: (path, name) => reconstructedIscsi(path, name, 'Block'),
      async tearDown(path) {
        if (await host.files.stat(path)) await detachNotedDisk({ host, nodeRoot, locks }, path);
      },
    }),
    mounter: createBindMounter({
      host,
      nodeRoot,
      pluginName: ISCSI_PLUGIN,
      deviceMountPath: deviceMounter.deviceMountPath,
      isReadOnly,
      parse: reconstructedIscsi,
    }),
  };
}

/** With what the volume logs in; its secret is looked for beside the pod, or where the PersistentVolume says. */
async function chapOf(
  client: Client,
  spec: VolumeSpec,
  podNamespace: string | undefined,
  signal: AbortSignal,
): Promise<Chap> {
  const { chapAuthDiscovery: discovery = false, chapAuthSession: session = false } = sourceOf(spec);
  const reference = secretOf(spec);
  const namespace = reference?.namespace ?? podNamespace;
  if (!reference || !namespace || !(discovery || session)) return { discovery, session, secret: {} };
  const { name } = reference;
  const found = await client.get(secrets, { namespace, name }, { signal }).catch((error: unknown) => {
    throw new Error(`couldn't get secret ${namespace}/${name} error: ${errorMessage(error)}`, {
      cause: error,
    });
  });
  return { discovery, session, secret: secretText(found) };
}
