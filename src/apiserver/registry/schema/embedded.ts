interface Embedding {
  /** The Go struct that is embedded. */
  readonly struct: string;
  /** The fields that are its own, or else all but these. */
  readonly fields?: string;
  readonly butNot?: string;
}

const NAME: Embedding = { struct: 'LocalObjectReference', fields: 'name' };

/** Types of upstream of which a part is declared apart: errors of decoding name that part too. */
const EMBEDDINGS: Readonly<Record<string, Embedding>> = {
  V1ConfigMapEnvSource: NAME,
  V1ConfigMapKeySelector: NAME,
  V1ConfigMapProjection: NAME,
  V1ConfigMapVolumeSource: NAME,
  V1EphemeralContainer: { struct: 'EphemeralContainerCommon', butNot: 'targetContainerName' },
  V1PersistentVolumeSpec: {
    struct: 'PersistentVolumeSource',
    butNot:
      'accessModes capacity claimRef mountOptions nodeAffinity persistentVolumeReclaimPolicy storageClassName volumeAttributesClassName volumeMode',
  },
  V1Probe: { struct: 'ProbeHandler', fields: 'exec grpc httpGet tcpSocket' },
  V1SecretEnvSource: NAME,
  V1SecretKeySelector: NAME,
  V1SecretProjection: NAME,
  V1Volume: { struct: 'VolumeSource', butNot: 'name' },
};

/** The struct within a model's that a field is declared in, if it is not the model's itself. */
export function embeddedStruct(model: string, field: string): string | undefined {
  if (!Object.hasOwn(EMBEDDINGS, model)) return undefined;
  const { struct, fields, butNot } = EMBEDDINGS[model]!;
  const isIn = (names: string) => names.split(' ').includes(field);
  return (fields === undefined ? !isIn(butNot!) : isIn(fields)) ? struct : undefined;
}
