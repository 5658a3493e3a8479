import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import type { Crd, CrdVersion, JSONSchema } from '../types.ts';
import { isObject } from '../types.ts';
import { snapshotCrds } from './index.ts';

const DIRECTORY = process.env.STOWAGE_SNAPSHOT_CRDS;

/** A schema without what only people read. */
function bare(schema: unknown, isNames = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => bare(one));
  if (!isObject(schema)) return schema;
  const entries = Object.entries(schema).filter(([name]) => isNames || name !== 'description');
  return Object.fromEntries(entries.map(([name, one]) => [name, bare(one, name === 'properties')]));
}

const served = ({ spec }: Crd): readonly CrdVersion[] => spec.versions.filter((version) => version.served);

/** What clients can tell of a served version. */
const comparable = ({ schema, subresources, storage, additionalPrinterColumns = [] }: CrdVersion) => ({
  schema: bare(schema?.openAPIV3Schema),
  storage,
  hasStatus: subresources?.status !== undefined,
  columns: additionalPrinterColumns.map(({ name, type, jsonPath }) => [name, type, jsonPath]),
});

/** `name:type` of every field of an object, in order; lists and maps by what is in them. */
function fields(schema: JSONSchema | undefined): string {
  return Object.entries(schema?.properties ?? {})
    .map(([name, property]) => `${name}${schema?.required?.includes(name) ? '!' : ''}:${typeName(property)}`)
    .sort()
    .join(' ');
}
function typeName({ type = 'any', items, additionalProperties, format }: JSONSchema): string {
  if (type === 'array') return `${typeName((items ?? {}) as JSONSchema)}[]`;
  if (isObject(additionalProperties)) return `map<${typeName(additionalProperties as JSONSchema)}>`;
  return format ? `${type}(${format})` : type;
}

/** Kind, then its fields below spec and status (or the root), as the published v1 definitions have them. */
const GOLDEN: Readonly<Record<string, readonly string[]>> = {
  VolumeSnapshotClass: [
    'apiVersion:string deletionPolicy!:string driver!:string kind:string metadata:object parameters:map<string>',
    '',
    '',
  ],
  VolumeSnapshotContent: [
    'apiVersion:string kind:string metadata:object spec!:object status:object',
    'deletionPolicy!:string driver!:string source!:object sourceVolumeMode:string volumeSnapshotClassName:string volumeSnapshotRef!:object',
    'creationTime:integer(int64) error:object readyToUse:boolean restoreSize:integer(int64) snapshotHandle:string volumeGroupSnapshotHandle:string',
  ],
  VolumeSnapshot: [
    'apiVersion:string kind:string metadata:object spec!:object status:object',
    'source!:object volumeSnapshotClassName:string',
    'boundVolumeSnapshotContentName:string creationTime:string(date-time) error:object readyToUse:boolean restoreSize:string volumeGroupSnapshotName:string',
  ],
  VolumeGroupSnapshotClass: [
    'apiVersion:string deletionPolicy!:string driver!:string kind:string metadata:object parameters:map<string>',
    '',
    '',
  ],
  VolumeGroupSnapshotContent: [
    'apiVersion:string kind:string metadata:object spec!:object status:object',
    'deletionPolicy!:string driver!:string source!:object volumeGroupSnapshotClassName:string volumeGroupSnapshotRef!:object',
    'creationTime:string(date-time) error:object readyToUse:boolean volumeGroupSnapshotHandle:string volumeSnapshotInfoList:object[]',
  ],
  VolumeGroupSnapshot: [
    'apiVersion:string kind:string metadata:object spec!:object status:object',
    'source!:object volumeGroupSnapshotClassName:string',
    'boundVolumeGroupSnapshotContentName:string creationTime:string(date-time) error:object readyToUse:boolean',
  ],
};

describe('the definitions of snapshots', () => {
  it('are those that upstream publishes, as far as they are served', {
    skip: DIRECTORY ? false : 'STOWAGE_SNAPSHOT_CRDS does not name the directory of the published manifests',
  }, () => {
    const files = readdirSync(DIRECTORY!).filter(
      (name) => /snapshot.*\.yaml$/.test(name) && !name.startsWith('kustom'),
    );
    const published = files.map((name) => parse(readFileSync(join(DIRECTORY!, name), 'utf8')) as Crd);
    const kinds = published.filter(({ kind }) => kind === 'CustomResourceDefinition');
    assert.equal(kinds.length, snapshotCrds.length);
    for (const theirs of kinds) {
      const name = theirs.metadata?.name;
      const ours = snapshotCrds.find((one) => one.metadata?.name === name);
      assert.ok(ours, `there is no ${name}`);
      assert.equal(ours.spec.scope, theirs.spec.scope);
      assert.deepEqual({ shortNames: [], ...ours.spec.names }, { shortNames: [], ...theirs.spec.names });
      for (const version of served(theirs)) {
        const own: CrdVersion | undefined = served(ours).find((one) => one.name === version.name);
        assert.ok(own, `${name} has no ${version.name}`);
        assert.deepEqual(comparable(own), comparable(version), `${name} ${version.name}`);
      }
    }
  });

  for (const { spec } of snapshotCrds)
    it(`${spec.names.kind} has the fields of the published one`, () => {
      const { openAPIV3Schema: root } = spec.versions.find(({ name }) => name === 'v1')!.schema!;
      const { spec: inner, status } = root?.properties ?? {};
      assert.deepEqual([fields(root), fields(inner), fields(status)], GOLDEN[spec.names.kind]);
    });
});
