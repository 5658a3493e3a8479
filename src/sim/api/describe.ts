import type { KubeObject } from '../../kube/index.ts';

interface Shape {
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
  };
  readonly spec?: {
    readonly volumeName?: string;
    readonly nodeName?: string;
    readonly claimRef?: { readonly name?: string; readonly uid?: string };
    readonly source?: { readonly persistentVolumeName?: string };
  };
  readonly status?: {
    readonly phase?: string;
    readonly attached?: boolean;
    readonly volumesInUse?: readonly string[];
    readonly volumesAttached?: readonly { readonly name: string }[];
  };
  readonly reason?: string;
  readonly message?: string;
}

/** What a line of the journal says of an object: the fields that volumes live by. */
export function describeObject(object: unknown): string {
  if (typeof object !== 'object' || object === null) return '';
  const { metadata, spec, status, reason, message } = object as KubeObject & Shape;
  const facts = [
    metadata?.resourceVersion && `@${metadata.resourceVersion}`,
    metadata?.deletionTimestamp && `deleting, finalizers [${(metadata.finalizers ?? []).join(' ')}]`,
    status?.phase,
    spec?.claimRef && `claim ${spec.claimRef.name} ${spec.claimRef.uid ?? ''}`,
    spec?.volumeName && `volume ${spec.volumeName}`,
    spec?.nodeName && `on ${spec.nodeName}`,
    spec?.source?.persistentVolumeName && `of ${spec.source.persistentVolumeName}`,
    status?.attached !== undefined && `attached ${status.attached}`,
    status?.volumesInUse && `in use [${status.volumesInUse.map(shortName).join(' ')}]`,
    status?.volumesAttached &&
      `attached [${status.volumesAttached.map(({ name }) => shortName(name)).join(' ')}]`,
    reason && `${reason}: ${message ?? ''}`,
  ];
  return ` → ${facts.filter(Boolean).join(', ')}`;
}

function shortName(name: string): string {
  return name.slice(name.lastIndexOf('^') + 1);
}
