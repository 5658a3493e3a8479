import { apiVersionOf, type KubeObject, type Stored } from '../../kube/index.ts';
import type { CustomKind, Entry, ResourceDefinition } from '../registry/contract.ts';
import { decode, findModel, freezeRest } from '../registry/schema/index.ts';
import { StoredEntry } from '../store/entry.ts';
import { coerce } from './coerce.ts';
import { columnsOf } from './columns.ts';
import { compilePath } from './json-path.ts';
import { condition } from './names.ts';
import { replicasPaths, scaleLack, scaleOf, withScale } from './scale.ts';
import { shapeOfSchema } from './shape.ts';
import { strategyOf, type Version } from './strategy.ts';
import { type Structural, structuralOf } from './structural.ts';
import { type Crd, type CrdVersion, isObject, type JSONSchema } from './types.ts';
import { versionRank } from './version-rank.ts';

/** What can be done to custom resources, in the order in which discovery tells it. */
const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const ANYTHING: JSONSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** What is stored never changes: a new status of a definition has nothing compiled anew. */
const rootOf = oncePerObject((schema: JSONSchema): Structural => structuralOf(schema, true));
const columnsOfVersion = oncePerObject(({ additionalPrinterColumns }: CrdVersion) =>
  columnsOf(additionalPrinterColumns),
);

function oncePerObject<Of extends object, Made>(make: (of: Of) => Made): (of: Of) => Made {
  const all = new WeakMap<Of, Made>();
  return (of) => {
    let made = all.get(of);
    if (made === undefined) {
      made = make(of);
      all.set(of, made);
    }
    return made;
  };
}

/** The rows of the server's table that an established definition stands for, one a served version. */
export function definitionsOf(crd: Crd, removed: AbortSignal): readonly ResourceDefinition[] {
  const { group, versions, scope, preserveUnknownFields } = crd.spec;
  const compiled = versions.map((spec): Version => {
    const schema = spec.schema?.openAPIV3Schema ?? ANYTHING;
    const whole = preserveUnknownFields
      ? { ...schema, 'x-kubernetes-preserve-unknown-fields': true }
      : schema;
    return {
      spec,
      apiVersion: apiVersionOf({ group, version: spec.name }),
      kind: { group, plural: crd.spec.names.plural },
      root: rootOf(whole),
    };
  });
  const names = { ...crd.spec.names, ...crd.status?.acceptedNames };
  const isTerminating =
    condition(crd, 'Terminating')?.status === 'True' || crd.metadata?.deletionTimestamp !== undefined;
  return compiled
    .filter(({ spec }) => spec.served)
    .map((version) => {
      const { spec, root } = version;
      const { status, scale } = spec.subresources ?? {};
      return Object.freeze({
        group,
        version: spec.name,
        kind: names.kind,
        plural: names.plural,
        singular: names.singular ?? names.kind.toLowerCase(),
        shortNames: names.shortNames ?? [],
        categories: names.categories ?? [],
        namespaced: scope === 'Namespaced',
        subresources: [...(status ? ['status'] : []), ...(scale ? ['scale'] : [])],
        verbs: VERBS,
        columns: columnsOfVersion(spec),
        selectableFields: selectableFieldsOf(spec),
        strategy: strategyOf(version, isTerminating),
        scale: scale && {
          read: (object) => scaleOf(object, scale),
          lacks: (object) => scaleLack(object, scale),
          write: (object, asked) => withScale(object, scale, asked),
          replicasPaths: replicasPaths(group, versions),
        },
        custom: customKind(version, compiled, {
          schema: spec.schema?.openAPIV3Schema,
          shape: shapeOfSchema(root),
          listKind: names.listKind ?? `${names.kind}List`,
          storageVersion: versions.find(({ storage, served }) => storage && served)?.name,
          removed,
          deprecation: deprecationOf(version, compiled, names.kind),
        }),
      } satisfies ResourceDefinition);
    });
}

/** The warning of a deprecated version: its own, or one that names what to use instead. */
function deprecationOf(
  { spec, apiVersion }: Version,
  all: readonly Version[],
  kind: string,
): string | undefined {
  if (!spec.deprecated) return undefined;
  if (spec.deprecationWarning !== undefined) return spec.deprecationWarning;
  const rank = (version: Version) => versionRank(version.spec.name);
  const better = all
    .filter((one) => one.spec.served && !one.spec.deprecated && rank(one) > versionRank(spec.name))
    .sort((a, b) => rank(b) - rank(a))[0];
  const instead = better ? `; use ${better.apiVersion} ${kind}` : '';
  return `${apiVersion} ${kind} is deprecated${instead}`;
}

function customKind(
  version: Version,
  all: readonly Version[],
  rest: Omit<CustomKind, 'decode' | 'read' | 'write'>,
): CustomKind {
  const stored = all.find(({ spec }) => spec.storage) ?? version;
  const views = new WeakMap<Entry, Entry>();
  return {
    ...rest,
    decode: (sent, previous, unknownFields) => decodeCustom(version.root, sent, previous, unknownFields),
    read(entry) {
      let view = views.get(entry);
      if (!view) {
        const object = asVersion(entry.object, version, all);
        view =
          object === entry.object ? entry : new StoredEntry(object as Stored<KubeObject>, entry.revision);
        views.set(entry, view);
      }
      return view;
    },
    write: (object) => (stored === version ? object : converted(object, stored)),
  };
}

/** A stored object as a version shows it: completed by the schema that it was stored under, then converted. */
function asVersion(object: KubeObject, version: Version, all: readonly Version[]): KubeObject {
  const from = all.find(({ apiVersion }) => apiVersion === object.apiVersion) ?? version;
  const complete = coerce(from.root, object, object) as KubeObject;
  return from === version && object.apiVersion === version.apiVersion
    ? complete
    : converted(complete, version);
}

/** Conversion strategy None: only the apiVersion changes, and what the other schema does not have is dropped. */
function converted(object: KubeObject, { apiVersion, root }: Version): KubeObject {
  const renamed = coerce(root, { ...object, apiVersion }, object) as KubeObject;
  return freezeRest(renamed) as KubeObject;
}

function decodeCustom(
  root: Structural,
  sent: unknown,
  previous: unknown,
  unknownFields: string[],
): KubeObject {
  const object = isObject(sent) ? sent : {};
  const before = isObject(previous) ? previous : {};
  const unknownMeta: string[] = [];
  const metadata =
    object.metadata === undefined || object.metadata === null
      ? undefined
      : decode(findModel('V1ObjectMeta')!, object.metadata, before.metadata, { unknownFields: unknownMeta });
  const unknown: string[] = [];
  const whole = coerce(root, { ...object, metadata }, previous, unknown) as KubeObject;
  unknownFields.push(...unknownMeta.map((path) => `metadata.${path}`), ...unknown.sort());
  return whole;
}

function selectableFieldsOf({ selectableFields = [] }: CrdVersion): ResourceDefinition['selectableFields'] {
  return Object.fromEntries(
    selectableFields.map(({ jsonPath }) => {
      const read = compilePath(jsonPath);
      return [
        jsonPath.replace(/^\./, ''),
        (object: KubeObject) => {
          const value = read?.(object);
          return value === undefined || value === null ? '' : String(value);
        },
      ];
    }),
  );
}
