import {
  type StatusCause,
  type VolumeAttachment,
  type VolumeError,
  volumeAttachments,
} from '../../../kube/index.ts';
import {
  equal,
  forbiddenField,
  immutable,
  invalidValue,
  isDNS1123Subdomain,
  required,
  tooLong,
  validateWith,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { goForm } from './go-form.ts';
import { inlineVolumeSpecCauses } from './volume-spec-validation.ts';
import { driverNameCauses } from './volume-validation.ts';

const MAX_METADATA_BYTES = 256 * 1024;
const MAX_MESSAGE_BYTES = 1024;

export const volumeAttachmentDefinition = defineResource<VolumeAttachment>(volumeAttachments, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Attacher', (one) => one.spec?.attacher ?? '', {
      format: 'name',
      description: 'The driver that attaches the volume.',
    }),
    column('PV', (one) => one.spec?.source?.persistentVolumeName ?? '', {
      description: 'The volume to attach.',
    }),
    column('Node', (one) => one.spec?.nodeName ?? '', { description: 'The node to attach it to.' }),
    column('Attached', (one) => one.status?.attached ?? false, {
      type: 'boolean',
      description: 'Whether it is attached.',
    }),
    ageColumn(),
  ],
  strategy: {
    requiresResourceVersion: true,
    prepareForCreate: (one) => ({ ...one, status: { attached: false } }),
    // Status updates leave all metadata that people set (metav1.ResetObjectMetaForStatus).
    prepareForStatusUpdate: (next, previous) => ({
      ...next,
      metadata: {
        ...next.metadata,
        labels: previous.metadata.labels,
        annotations: previous.metadata.annotations,
        finalizers: previous.metadata.finalizers,
        ownerReferences: previous.metadata.ownerReferences,
      },
    }),
    validate: (one) => [...validateSpec(one), ...validateStatus(one)],
    validateUpdate: (next, previous) =>
      equal(next.spec, previous.spec) ? [] : [immutable('spec', goForm('VolumeAttachmentSpec', next.spec))],
    validateStatusUpdate: validateStatus,
  },
});

/** Rules: Kubernetes 1.36, pkg/apis/storage/validation ValidateVolumeAttachment. */
function validateSpec({ spec }: VolumeAttachment): StatusCause[] {
  const causes = driverNameCauses('spec.attacher', spec?.attacher);
  const { inlineVolumeSpec, persistentVolumeName } = spec?.source ?? {};
  const rule = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined)
    causes.push(required('spec.source', rule));
  else if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) {
    causes.push(forbiddenField('spec.source', rule));
  } else if (persistentVolumeName === '') {
    causes.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
  } else if (inlineVolumeSpec) {
    causes.push(...inlineVolumeSpecCauses(inlineVolumeSpec, 'spec.source.inlineVolumeSpec'));
  }
  causes.push(...validateWith('spec.nodeName', spec?.nodeName ?? '', isDNS1123Subdomain));
  if (persistentVolumeName !== undefined) {
    causes.push(
      ...validateWith('spec.source.persistentVolumeName', persistentVolumeName, isDNS1123Subdomain),
    );
  }
  return causes;
}

function validateStatus({ status }: VolumeAttachment): StatusCause[] {
  const bytes = Object.entries(status?.attachmentMetadata ?? {}).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  return [
    ...(bytes > MAX_METADATA_BYTES ? [tooLong('status.attachmentMetadata', MAX_METADATA_BYTES)] : []),
    ...validateError(status?.attachError, 'status.attachError'),
    ...validateError(status?.detachError, 'status.detachError'),
  ];
}

function validateError(error: VolumeError | undefined, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  if (Buffer.byteLength(error?.message ?? '') > MAX_MESSAGE_BYTES) {
    // The limit that upstream's message names is the metadata's.
    causes.push(tooLong(`${path}.message`, MAX_METADATA_BYTES));
  }
  if (error?.errorCode !== undefined && error.errorCode < 0) {
    causes.push(
      invalidValue(`${path}.errorCode`, error.errorCode, 'must be between 0 and 2147483647, inclusive'),
    );
  }
  return causes;
}
