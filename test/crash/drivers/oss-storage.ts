import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CsiClient } from '../../../src/csi/index.ts';
import { startObjectStore } from '../../../src/drivers/oss/object-store.test-support.ts';
import { Mode, mountable } from './capability.ts';
import type { Found, Thing } from './ledger.ts';
import { idsOf } from './listed.ts';
import { mountTargets } from './mounts-at.ts';
import type { Storage } from './storage.ts';

/** Where volumes are that have no bucket of their own. */
const SHARED = 'shared';
const MOUNTER = 's3fs';
/** To delete so many objects takes several requests' time. */
const BULK = 5;

/**
 * Every other volume is a bucket of its own, the others are prefixes of one. A stamp is an object, one of some; publishing is
 * a FUSE client at the global path, and a bind mount of that. The object store is in this process, and lives on.
 */
export async function ossStorage(states: string, pods: string): Promise<Storage> {
  const store = await startObjectStore();
  const { secrets, s3 } = store;
  mkdirSync(pods, { recursive: true });
  const capability = mountable(Mode.MULTI_NODE_MULTI_WRITER);
  const hasOwnBucket = (name: string) => /[02468]$/.test(name);
  const placeOf = (id: string) => {
    const [bucket = '', prefix] = id.split('/');
    return prefix === undefined
      ? { bucket, below: '', record: '.stowage.json' }
      : { bucket, below: `${prefix}/`, record: `.stowage/${prefix}.json` };
  };
  const pathsOf = (id: string) => {
    const name = id.replace('/', '_');
    return { stagingTargetPath: join(pods, `${name}.global`), targetPath: join(pods, `${name}.pod`) };
  };
  const isMounted = (id: string) => {
    const targets = new Set(mountTargets());
    return Object.values(pathsOf(id)).some((path) => targets.has(path));
  };

  /** Undefined: not there. */
  async function volume(id: string): Promise<Thing | undefined> {
    const { bucket, below, record } = placeOf(id);
    const text = (await store.keys(bucket)) && (await s3.read(bucket, record));
    if (text === undefined) return undefined;
    const { capacityBytes } = JSON.parse(text) as { capacityBytes: string };
    const written = (await s3.list(bucket, `${below}data/`)) ?? [];
    if (written.length > 0) assert.equal(written.length, BULK, `volume ${id} is whole`);
    const stamp = (await s3.read(bucket, `${below}data/0`)) ?? '';
    return { kind: 'volume', sizeBytes: BigInt(capacityBytes), stamp, isPublished: isMounted(id) };
  }

  async function find(): Promise<Map<string, Thing>> {
    const found = new Map<string, Thing>();
    const prefixes = ((await store.keys(SHARED)) ?? []).flatMap(
      (key) => /^\.stowage\/(.+)\.json$/.exec(key)?.[1] ?? [],
    );
    const ids = [...(await store.buckets()), ...prefixes.map((prefix) => `${SHARED}/${prefix}`)];
    for (const id of ids) {
      const thing = id === SHARED ? undefined : await volume(id);
      if (thing) found.set(id, thing);
    }
    return found;
  }

  const call = (id: string) => ({
    volumeId: id,
    volumeCapability: capability,
    volumeContext: { mounter: MOUNTER },
    secrets,
    ...pathsOf(id),
  });

  return {
    capability,
    managesData: false,
    finishesAlone: false,
    secrets: { ...secrets },
    parametersOf: (name) => ({ mounter: MOUNTER, ...(hasOwnBucket(name) ? {} : { bucket: SHARED }) }),
    idOf: (name) => (hasOwnBucket(name) ? name : `${SHARED}/${name}`),
    find,
    async stamp(id, stamp) {
      const { bucket, below } = placeOf(id);
      for (let index = 0; index < BULK; index++)
        await s3.write(bucket, `${below}data/${index}`, stamp, 'text/plain');
    },
    async publish({ node }: CsiClient, id: string) {
      await node.nodeStageVolume(call(id));
      await node.nodePublishVolume(call(id));
    },
    async unpublish({ node }: CsiClient, id: string) {
      await node.nodeUnpublishVolume(call(id));
      await node.nodeUnstageVolume(call(id));
    },
    async assertNothingBeside(found: Found) {
      const ids = idsOf(found, 'volume');
      const buckets = ids.filter((id) => !id.includes('/'));
      assert.deepEqual((await store.buckets()).filter((name) => name !== SHARED).sort(), buckets);
      const known = new Set(ids);
      for (const key of (await store.keys(SHARED)) ?? []) {
        const prefix = /^\.stowage\/(.+)\.json$/.exec(key)?.[1] ?? key.split('/')[0];
        assert.ok(known.has(`${SHARED}/${prefix}`), `${SHARED}/${key} belongs to a volume`);
      }
      const published = [...found].flatMap(([id, thing]) =>
        thing.kind === 'volume' && thing.isPublished ? [id] : [],
      );
      const paths = published.flatMap((id) => Object.values(pathsOf(id)));
      const mounted = mountTargets().filter((target) => target.startsWith(`${pods}/`));
      assert.deepEqual(mounted.sort(), paths.sort(), 'each place has one mount');
      assert.equal(clientsBelow(pods), published.length, 'each published volume has one client');
      const files = readdirSync(states).map((name) => name.replace(/\.\w+$/, ''));
      assert.equal(new Set(files).size, published.length, `${files} are those of published volumes`);
    },
    close: () => store.close(),
  };
}

/** How many processes name a place in the directory in their arguments, and are clients. */
function clientsBelow(directory: string): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [command = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return command.endsWith(MOUNTER) && args.some((arg) => arg.startsWith(`${directory}/`));
    } catch {
      // Gone meanwhile.
      return false;
    }
  }).length;
}
