import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, Stored } from '../../kube/index.ts';
import type { VolumeSpec } from '../../volume/index.ts';
import { ActualStateOfWorld } from './actual-state-of-world.ts';
import { DesiredStateOfWorld } from './desired-state-of-world.ts';

const spec = (name: string): VolumeSpec => ({ name, readOnly: false });
const pod = (uid: string) => ({ metadata: { uid, name: uid, namespace: 'default' } }) as Stored<Pod>;

describe('desired state of world', () => {
  it('takes pods on managed nodes only', () => {
    const desired = new DesiredStateOfWorld();
    assert.throws(() => desired.addPod(pod('p'), 'v', spec('v'), 'n'), /node "n" is not managed/);
    desired.addNode('n');
    desired.addPod(pod('p'), 'v', spec('v'), 'n');
    assert.equal(desired.has('v', 'n'), true);
    assert.equal(desired.has('v', 'm'), false);
  });

  it('wants a volume until the last of its pods is gone', () => {
    const changes: string[] = [];
    const desired = new DesiredStateOfWorld((volume) => changes.push(volume));
    desired.addNode('n');
    desired.addPod(pod('p'), 'v', spec('v'), 'n');
    desired.addPod(pod('q'), 'v', spec('v'), 'n');
    desired.addPod(pod('q'), 'v', spec('v'), 'n');
    desired.deletePod('p');
    assert.equal(desired.has('v', 'n'), true);
    desired.deletePod('q');
    desired.deletePod('q');
    assert.equal(desired.has('v', 'n'), false);
    assert.deepEqual(desired.pods(), []);
    assert.deepEqual(changes, ['v', 'v', 'v']);
  });

  it('drops all volumes of a pod without looking at its claims again', () => {
    const desired = new DesiredStateOfWorld();
    desired.addNode('n');
    desired.addPod(pod('p'), 'v', spec('v'), 'n');
    desired.addPod(pod('p'), 'w', spec('w'), 'n');
    desired.deletePod('p');
    assert.deepEqual(desired.volumeNames(), []);
  });

  it('keeps a node that is gone while pods need volumes there', () => {
    const desired = new DesiredStateOfWorld();
    desired.addNode('n');
    desired.addPod(pod('p'), 'v', spec('v'), 'n');
    desired.deleteNode('n');
    assert.equal(desired.hasNode('n'), true);
    desired.deletePod('p');
    assert.equal(desired.hasNode('n'), false);
  });

  it('forgets a node that starts to attach for itself', () => {
    const desired = new DesiredStateOfWorld();
    desired.addNode('n');
    desired.addNode('m');
    desired.addPod(pod('p'), 'v', spec('v'), 'n');
    desired.addPod(pod('q'), 'v', spec('v'), 'm');
    desired.releaseNode('n');
    assert.equal(desired.hasNode('n'), false);
    assert.deepEqual(
      desired.nodesOf('v').map(({ nodeName }) => nodeName),
      ['m'],
    );
  });

  it('names the pods that use a volume on other nodes', () => {
    const desired = new DesiredStateOfWorld();
    for (const node of ['n', 'm']) desired.addNode(node);
    desired.addPod(pod('p'), 'v', spec('v'), 'n');
    desired.addPod(pod('q'), 'v', spec('v'), 'm');
    assert.deepEqual(
      desired.podsOnNodes('v', ['m', 'x']).map(({ metadata }) => metadata.name),
      ['q'],
    );
  });
});

describe('actual state of world', () => {
  const inUse = (actual: ActualStateOfWorld) => actual.nodesOf('v')[0]?.mountedByNode;

  it('takes an attached volume for mounted until the node reports', () => {
    const actual = new ActualStateOfWorld();
    actual.markAttached('v', spec('v'), 'n', '');
    assert.equal(inUse(actual), true);
    actual.setVolumesInUse('n', []);
    assert.equal(inUse(actual), false);
    actual.setVolumesInUse('n', ['v']);
    assert.equal(inUse(actual), true);
  });

  it('does not take for mounted what was never reported as attached', () => {
    const actual = new ActualStateOfWorld();
    actual.markUncertain('v', spec('v'), 'n');
    assert.equal(inUse(actual), false);
  });

  it('tells attached, uncertain and detached apart', () => {
    const actual = new ActualStateOfWorld();
    assert.equal(actual.state('v', 'n'), 'detached');
    actual.markUncertain('v', spec('v'), 'n');
    assert.equal(actual.state('v', 'n'), 'uncertain');
    assert.deepEqual(actual.confirmedNodesOf('v'), []);
    actual.markAttached('v', spec('v'), 'n', '/dev/x');
    assert.equal(actual.state('v', 'n'), 'attached');
    assert.deepEqual(actual.confirmedNodesOf('v'), ['n']);
    actual.markDetached('v', 'n');
    assert.equal(actual.state('v', 'n'), 'detached');
    assert.deepEqual(actual.volumeNames(), []);
  });

  it('counts the wait for a detach from the first request, and anew after a reset', () => {
    const actual = new ActualStateOfWorld();
    actual.markAttached('v', spec('v'), 'n', '');
    assert.equal(actual.requestDetach('v', 'n', 1000), 0);
    assert.equal(actual.requestDetach('v', 'n', 1500), 500);
    actual.resetDetachRequest('v', 'n');
    assert.equal(actual.requestDetach('v', 'n', 2000), 0);
  });

  it('reports each change of a node once', () => {
    const actual = new ActualStateOfWorld();
    actual.markAttached('v', spec('v'), 'n', '/dev/x');
    assert.deepEqual(actual.staleReports(), ['n']);
    assert.deepEqual(actual.takeReport('n'), [{ name: 'v', devicePath: '/dev/x' }]);
    assert.equal(actual.takeReport('n'), undefined);
    actual.unreport('v', 'n');
    assert.deepEqual(actual.takeReport('n'), []);
    assert.equal(actual.state('v', 'n'), 'attached', 'a volume leaves the report before it is detached');
    actual.report('v', 'n');
    assert.deepEqual(actual.takeReport('n'), [{ name: 'v', devicePath: '/dev/x' }]);
    actual.markDetached('v', 'n');
    assert.deepEqual(actual.takeReport('n'), []);
  });

  it('does not report an uncertain volume', () => {
    const actual = new ActualStateOfWorld();
    actual.markUncertain('v', spec('v'), 'n');
    assert.deepEqual(actual.staleReports(), []);
  });

  it('sees that a node has lost its list', () => {
    const actual = new ActualStateOfWorld();
    actual.markAttached('v', spec('v'), 'n', '');
    assert.equal(actual.reportDiffers('n', []), true);
    assert.equal(actual.reportDiffers('n', [{ name: 'v', devicePath: '' }]), false);
    assert.equal(actual.reportDiffers('other', []), false);
  });

  it('a volume that is as uncertain as before is no news: nothing is tried again at once', () => {
    let news = 0;
    const actual = new ActualStateOfWorld(() => news++);
    actual.markAttached('csi/disk^v', undefined, 'node-1', '');
    const before = news;
    actual.markUncertain('csi/disk^v', undefined, 'node-1');
    assert.equal(news, before + 1);
    actual.markUncertain('csi/disk^v', undefined, 'node-1');
    assert.equal(news, before + 1);
    actual.markAttached('csi/disk^v', undefined, 'node-1', '');
    assert.equal(actual.state('csi/disk^v', 'node-1'), 'attached');
    assert.ok(news > before + 1);
  });
});
