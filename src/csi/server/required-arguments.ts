import type { DescField, DescMessage, DescOneof, Message } from '@bufbuild/protobuf';
import { Code } from '../codes.ts';
import { CsiStatus } from '../status.ts';

/** One demand on a field. `field` is named as in the .proto and may be a oneof. */
interface Rule {
  readonly field: string;
  readonly demand: 'required' | 'absolute path' | 'not negative' | 'name' | 'at most 4 KiB';
  /** @default INVALID_ARGUMENT */
  readonly code?: Code;
}

const required = (...fields: string[]): Rule[] => fields.map((field) => ({ field, demand: 'required' }));
const notNegative = (field: string, code?: Code): Rule => ({
  field,
  demand: 'not negative',
  ...(code === undefined ? {} : { code }),
});
/** What a caller names: required, and of a length and characters that every driver must take. */
const named = (field: string): Rule[] => [...required(field), { field, demand: 'name' }];
const atMost4KiB = (...fields: string[]): Rule[] =>
  fields.map((field) => ({ field, demand: 'at most 4 KiB' }));
/** Required paths are checked for presence first; optional ones only when given. */
const paths = (...fields: string[]): Rule[] => fields.map((field) => ({ field, demand: 'absolute path' }));

/**
 * What each message must contain, wherever it appears. Source: the REQUIRED marks and error tables of CSI 1.12.
 * Scalars whose zero means something (readonly, starting_offset) cannot be told from missing ones.
 * Sizes are limited where a caller chooses freely. Ids that are too long are ids that do not exist; the secrets and the
 * volume context of Kubernetes (which carries tokens) may be larger than the specification has it.
 */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  CreateVolumeRequest: [
    ...named('name'),
    ...required('volume_capabilities'),
    ...atMost4KiB('parameters', 'mutable_parameters'),
  ],
  DeleteVolumeRequest: required('volume_id'),
  ControllerPublishVolumeRequest: required('volume_id', 'node_id', 'volume_capability'),
  ControllerUnpublishVolumeRequest: required('volume_id'),
  ValidateVolumeCapabilitiesRequest: required('volume_id', 'volume_capabilities'),
  ListVolumesRequest: [notNegative('max_entries')],
  ControllerGetVolumeRequest: required('volume_id'),
  // csi-sanity modifies volumes by nothing, which changes nothing.
  ControllerModifyVolumeRequest: [...required('volume_id'), ...atMost4KiB('mutable_parameters')],
  CreateSnapshotRequest: [...required('source_volume_id'), ...named('name'), ...atMost4KiB('parameters')],
  DeleteSnapshotRequest: required('snapshot_id'),
  ListSnapshotsRequest: [notNegative('max_entries')],
  GetSnapshotRequest: required('snapshot_id'),
  ControllerExpandVolumeRequest: required('volume_id', 'capacity_range'),

  NodeStageVolumeRequest: [
    ...required('volume_id', 'staging_target_path', 'volume_capability'),
    ...paths('staging_target_path'),
  ],
  NodeUnstageVolumeRequest: [
    ...required('volume_id', 'staging_target_path'),
    ...paths('staging_target_path'),
  ],
  NodePublishVolumeRequest: [
    ...required('volume_id', 'target_path', 'volume_capability'),
    ...paths('target_path', 'staging_target_path'),
  ],
  NodeUnpublishVolumeRequest: [...required('volume_id', 'target_path'), ...paths('target_path')],
  // At a volume_path that is not absolute there is no volume: NOT_FOUND, as csi-sanity wants it, from the driver.
  NodeGetVolumeStatsRequest: [...required('volume_id', 'volume_path'), ...paths('staging_target_path')],
  NodeExpandVolumeRequest: [...required('volume_id', 'volume_path'), ...paths('staging_target_path')],

  CreateVolumeGroupSnapshotRequest: [
    ...named('name'),
    ...required('source_volume_ids'),
    ...atMost4KiB('parameters'),
  ],
  DeleteVolumeGroupSnapshotRequest: required('group_snapshot_id', 'snapshot_ids'),
  GetVolumeGroupSnapshotRequest: required('group_snapshot_id', 'snapshot_ids'),

  GetMetadataAllocatedRequest: [
    ...required('snapshot_id'),
    notNegative('starting_offset', Code.OUT_OF_RANGE),
    notNegative('max_results'),
  ],
  GetMetadataDeltaRequest: [
    ...required('base_snapshot_id', 'target_snapshot_id'),
    notNegative('starting_offset', Code.OUT_OF_RANGE),
    notNegative('max_results'),
  ],

  VolumeCapability: required('access_type', 'access_mode'),
  'VolumeCapability.AccessMode': required('mode'),
  CapacityRange: [notNegative('required_bytes'), notNegative('limit_bytes')],
  VolumeContentSource: required('type'),
  'VolumeContentSource.SnapshotSource': required('snapshot_id'),
  'VolumeContentSource.VolumeSource': required('volume_id'),
};

/** The node stages volumes, so that publishing needs the staged path. Source: the error table of NodePublishVolume. */
const STAGING_RULE: Rule = {
  field: 'staging_target_path',
  demand: 'required',
  code: Code.FAILED_PRECONDITION,
};

/** Source: CSI specification, "Size Limits". */
const MAX_NAME_BYTES = 128;
const MAX_MAP_BYTES = 4096;
/** Source: CSI specification, CreateVolumeRequest.name: control characters other than the usual white space. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BANNED_IN_NAMES = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** How a message is reached inside a request. */
type Fields = Record<string, unknown>;

/**
 * The first demand of the specification that a request does not meet, as the status to answer with;
 * `undefined` when it meets all.
 * @param stages the node has the STAGE_UNSTAGE_VOLUME capability.
 */
export function missingArgument(
  schema: DescMessage,
  request: Message,
  options: { stages: boolean },
): CsiStatus | undefined {
  const found = check(schema, request as unknown as Fields, '');
  if (found || !options.stages || schema.name !== 'NodePublishVolumeRequest') return found;
  const { volumeContext } = request as unknown as { volumeContext: Readonly<Record<string, string>> };
  // A volume that is written in a pod is never staged, also where others are.
  if (volumeContext['csi.storage.k8s.io/ephemeral'] === 'true') return undefined;
  return violation(STAGING_RULE, schema, request as unknown as Fields, '');
}

function check(schema: DescMessage, message: Fields, path: string): CsiStatus | undefined {
  for (const rule of RULES[ruleName(schema)] ?? []) {
    const found = violation(rule, schema, message, path);
    if (found) return found;
  }
  if (schema.typeName === 'csi.v1.CapacityRange') {
    const found = checkRange(message, path);
    if (found) return found;
  }
  for (const field of schema.fields) {
    if (!field.message || field.fieldKind === 'map') continue;
    const value = fieldValue(field, message);
    if (value === undefined) continue;
    const items = field.fieldKind === 'list' ? (value as Fields[]) : [value as Fields];
    for (const [index, item] of items.entries()) {
      const name = field.fieldKind === 'list' ? `${field.name}[${index}]` : field.name;
      const found = check(field.message, item, `${path}${name}.`);
      if (found) return found;
    }
  }
  return undefined;
}

function ruleName(schema: DescMessage): string {
  return schema.typeName.replace(/^csi\.v1\./, '');
}

function violation(rule: Rule, schema: DescMessage, message: Fields, path: string): CsiStatus | undefined {
  const member = schema.members.find((candidate) => candidate.name === rule.field);
  if (!member) throw new Error(`argument rules: ${schema.typeName} has no field ${rule.field}`);
  const value = member.kind === 'oneof' ? selectedCase(member, message) : fieldValue(member, message);
  const code = rule.code ?? Code.INVALID_ARGUMENT;
  const name = `${path}${rule.field}`;
  switch (rule.demand) {
    case 'required':
      return isEmpty(value) ? new CsiStatus(code, `${name} is required`) : undefined;
    case 'absolute path':
      return isEmpty(value) || (value as string).startsWith('/')
        ? undefined
        : new CsiStatus(code, `${name} ${JSON.stringify(value)} is not an absolute path`);
    case 'name':
      return nameProblem(code, name, value as string);
    case 'at most 4 KiB': {
      const bytes = sizeBytes(value as Record<string, string>);
      return bytes <= MAX_MAP_BYTES
        ? undefined
        : new CsiStatus(code, `${name} has ${bytes} bytes; at most ${MAX_MAP_BYTES} are allowed`);
    }
    case 'not negative':
      return (value as bigint | number) < 0
        ? new CsiStatus(code, `${name} is negative: ${value as bigint | number}`)
        : undefined;
  }
}

function nameProblem(code: Code, field: string, name: string): CsiStatus | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_NAME_BYTES)
    return new CsiStatus(code, `${field} has ${bytes} bytes; at most ${MAX_NAME_BYTES} are allowed`);
  return BANNED_IN_NAMES.test(name)
    ? new CsiStatus(code, `${field} ${JSON.stringify(name)} contains a control character`)
    : undefined;
}

/** Keys and values of a map. */
function sizeBytes(map: Readonly<Record<string, string>>): number {
  return Object.entries(map).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
}

function checkRange(range: Fields, path: string): CsiStatus | undefined {
  const { requiredBytes, limitBytes } = range as { requiredBytes: bigint; limitBytes: bigint };
  const name = path.slice(0, -1);
  if (requiredBytes === 0n && limitBytes === 0n) {
    return new CsiStatus(Code.INVALID_ARGUMENT, `${name} needs required_bytes or limit_bytes`);
  }
  if (limitBytes > 0n && requiredBytes > limitBytes) {
    return new CsiStatus(
      Code.INVALID_ARGUMENT,
      `${name}: required_bytes ${requiredBytes} is more than limit_bytes ${limitBytes}`,
    );
  }
  return undefined;
}

function selectedCase(oneof: DescOneof, message: Fields): unknown {
  return (message[oneof.localName] as { case?: string } | undefined)?.case;
}

function fieldValue(field: DescField, message: Fields): unknown {
  if (!field.oneof) return message[field.localName];
  const selected = message[field.oneof.localName] as { case?: string; value?: unknown };
  return selected.case === field.localName ? selected.value : undefined;
}

/** Zero of an enum is UNKNOWN everywhere in CSI. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return (
    typeof value === 'object' && value !== null && !('$typeName' in value) && Object.keys(value).length === 0
  );
}
