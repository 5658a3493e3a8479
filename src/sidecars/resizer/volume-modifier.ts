import type { Client } from '../../client/index.ts';
import type { CsiClient } from '../../csi/index.ts';
import {
  ANN_CONTROLLER_MODIFY_SECRET_NAME,
  ANN_CONTROLLER_MODIFY_SECRET_NAMESPACE,
  type PersistentVolume,
  type SecretReference,
} from '../../kube/index.ts';
import { credentialsOf } from '../shared/credentials.ts';
import { referenceOf } from './volume-resizer.ts';

export interface VolumeModifier {
  modify(
    volume: PersistentVolume,
    parameters: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface CsiModifierOptions {
  readonly client: Client;
  readonly csi: CsiClient;
  readonly timeoutMs: number;
}

/** Changes the attributes of volumes by ControllerModifyVolume. Source: csi_modifier.go of external-resizer. */
export function createCsiModifier({ client, csi, timeoutMs }: CsiModifierOptions): VolumeModifier {
  return {
    async modify(volume, parameters, signal) {
      const source = volume.spec?.csi;
      if (!source) {
        const { name } = volume.metadata ?? {};
        throw new Error(
          `volume ${name} is not a CSI volumes, modify volume feature only supports CSI volumes`,
        );
      }
      if (source.volumeHandle === '') throw new Error('empty volume handle');
      const secrets = await credentialsOf(client, secretOf(volume));
      await csi.controller.controllerModifyVolume(
        { volumeId: source.volumeHandle, secrets, mutableParameters: { ...parameters } },
        { timeoutMs, signal },
      );
    },
  };
}

/** The provisioner notes the secret for this; a volume without one is modified with the one that it grows with. */
function secretOf({ metadata, spec }: PersistentVolume): SecretReference | undefined {
  const name = metadata?.annotations?.[ANN_CONTROLLER_MODIFY_SECRET_NAME];
  const namespace = metadata?.annotations?.[ANN_CONTROLLER_MODIFY_SECRET_NAMESPACE];
  return name && namespace ? { name, namespace } : referenceOf(spec?.csi?.controllerExpandSecretRef);
}
