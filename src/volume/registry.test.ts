import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createPluginRegistry,
  escapePluginName,
  podVolumeDirectory,
  specFromVolume,
  splitUniqueVolumeName,
  unescapePluginName,
  uniqueVolumeName,
  uniqueVolumeNameForPod,
  type VolumePlugin,
} from './index.ts';

function plugin(name: string, supports: (name: string) => boolean): VolumePlugin {
  return {
    name,
    canSupport: (spec) => supports(spec.name),
    volumeName: (spec) => `driver^${spec.name}`,
    requiresRemount: () => false,
    mounter: {
      podPath: () => '',
      setUp: async () => {},
      tearDown: async () => {},
      reconstruct: async () => undefined,
    },
  };
}

describe('the plugin registry', () => {
  const registry = createPluginRegistry([
    plugin('kubernetes.io/a', (name) => name.startsWith('a') || name === 'both'),
    plugin('kubernetes.io/b', (name) => name.startsWith('b')),
  ]);
  const spec = (name: string) => specFromVolume({ name });

  it('what comes from the API is read-only in containers', () => {
    for (const source of ['configMap', 'secret', 'downwardAPI', 'projected'])
      assert.equal(specFromVolume({ name: 'v', [source]: {} }).readOnly, true, source);
    assert.equal(specFromVolume({ name: 'v', emptyDir: {} }).readOnly, false);
    assert.equal(specFromVolume({ name: 'v', csi: { driver: 'd', readOnly: true } }).readOnly, true);
  });

  it('finds the one plugin that supports a volume', () => {
    assert.equal(registry.findBySpec(spec('apple')).name, 'kubernetes.io/a');
    assert.equal(registry.findByName('kubernetes.io/b')?.name, 'kubernetes.io/b');
    assert.equal(registry.findByName('kubernetes.io/c'), undefined);
  });

  it('refuses a volume that none or several support, in upstream’s words', () => {
    assert.throws(() => registry.findBySpec(spec('cherry')), /^Error: no volume plugin matched$/);
    assert.throws(
      () => registry.findBySpec(spec('both')),
      /^Error: multiple volume plugins matched: kubernetes.io\/a,kubernetes.io\/b$/,
    );
  });

  it('refuses two plugins of one name', () => {
    const twice = plugin('kubernetes.io/a', () => true);
    assert.throws(() => createPluginRegistry([twice, twice]), /registered more than once/);
  });
});

describe('the plugins that a prober finds', () => {
  it('are there as long as it finds them, beside those that are always there', async () => {
    let found = [plugin('v/b', (name) => name.startsWith('b'))];
    let changed: () => void = () => undefined;
    const registry = createPluginRegistry([plugin('kubernetes.io/a', (name) => name.startsWith('a'))], {
      all: () => found,
      probed: Promise.resolve(),
      onChange(callback) {
        changed = callback;
        return () => undefined;
      },
    });
    let changes = 0;
    registry.onChange(() => changes++);
    changed();
    assert.equal(changes, 1);
    assert.equal(registry.findBySpec(specFromVolume({ name: 'banana' })).name, 'v/b');
    assert.equal(registry.findByName('v/b')?.name, 'v/b');
    assert.equal(registry.all().length, 2);
    found = [];
    assert.throws(() => registry.findBySpec(specFromVolume({ name: 'banana' })), /no volume plugin matched/);
    found = [plugin('kubernetes.io/a', () => false)];
    assert.throws(() => registry.findByName('kubernetes.io/a'), /multiple volume plugins matched/);
  });
});

describe('names of volumes', () => {
  const csi = plugin('kubernetes.io/csi', () => true);
  const spec = specFromVolume({ name: 'handle/with/slashes' });

  it('join the plugin and what it calls the volume, and can be taken apart again', () => {
    const unique = uniqueVolumeName(csi, spec);
    assert.equal(unique, 'kubernetes.io/csi/driver^handle/with/slashes');
    assert.deepEqual(splitUniqueVolumeName(unique), {
      pluginName: 'kubernetes.io/csi',
      volumeName: 'driver^handle/with/slashes',
    });
    assert.throws(() => splitUniqueVolumeName('kubernetes.io'), /not a unique volume name/);
  });

  it('carry the pod where a volume belongs to one pod', () => {
    assert.equal(
      uniqueVolumeNameForPod(csi, specFromVolume({ name: 'tmp' }), 'u-1'),
      'kubernetes.io/csi/u-1-tmp',
    );
  });

  it('are parts of paths as the kubelet has them', () => {
    assert.equal(unescapePluginName(escapePluginName('kubernetes.io/csi')), 'kubernetes.io/csi');
    assert.equal(
      podVolumeDirectory('/var/lib/kubelet', 'u-1', 'kubernetes.io/csi', 'pvc-1'),
      '/var/lib/kubelet/pods/u-1/volumes/kubernetes.io~csi/pvc-1',
    );
  });
});
