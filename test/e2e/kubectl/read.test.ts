import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { kubectlUntil, watchOf } from '../../support/command.ts';
import { kubectlTooOld } from '../../support/kubectl.ts';
import { type KubectlSession, kubectlSession } from '../../support/kubectl-session.ts';
import { OBJECTS } from './objects.ts';

// Expectations are what kubectl says of the same objects on a kube-apiserver 1.36.

describe('kubectl reads', { skip: await kubectlTooOld(), timeout: 600_000 }, () => {
  let session: KubectlSession;
  const k = (...args: string[]) => session.k(...args);
  before(async () => {
    session = await kubectlSession();
    await session.given(OBJECTS, 'apply', '-f', '-');
  });
  after(() => session?.end());

  /** Command, what it prints. */
  const forms: readonly (readonly [string, RegExp])[] = [
    [
      'get pvc',
      /^NAME +STATUS +VOLUME +CAPACITY +ACCESS MODES +STORAGECLASS +VOLUMEATTRIBUTESCLASS +AGE\ndata +Pending +fast +<unset>/,
    ],
    ['get pvc -o wide', /VOLUMEMODE\ndata .*Filesystem/],
    ['get pvc --no-headers', /^data +Pending/],
    ['get pvc --show-labels', /app=db\n/],
    ['get pvc -L app', /APP\ndata .* db\n/],
    ['get pvc -A', /^NAMESPACE +NAME .*\ndefault +data/],
    ['get pvc -o name', /^persistentvolumeclaim\/data\n$/],
    ['get pvc data -o yaml', /^apiVersion: v1\nkind: PersistentVolumeClaim\n/],
    ['get pvc data -o json', /"kind": "PersistentVolumeClaim"/],
    ['get pvc data -o jsonpath={.status.phase}', /^Pending$/],
    ['get pvc -o custom-columns=N:.metadata.name,S:.spec.resources.requests.storage', /^N +S\ndata +1Gi\n$/],
    ['get pvc -o go-template={{range.items}}{{.metadata.name}};{{end}}', /^data;$/],
    ['get pvc data -o yaml --show-managed-fields', /f:resources:\n +f:requests:\n +\.: \{\}/],
    ['get pv --sort-by=.spec.capacity.storage -o name', /\/small\n.*\/middle\n.*\/large\n/],
    ['get pv -l app=volumes,!none -o name', /large\n.*middle\n.*small\n/],
    ['get pv -l app!=volumes', /^$/],
    ['get pvc --field-selector metadata.name=data -o name', /data/],
    ['get pods --field-selector status.phase=Pending,spec.nodeName= -o name', /^pod\/pod\n$/],
    [
      'get events --field-selector involvedObject.kind=PersistentVolumeClaim,reason=Told',
      /Normal +Told +persistentvolumeclaim\/data +because/,
    ],
    ['get sc/fast pv/large csidriver/d.example.com -o name', /fast\npersistentvolume\/large\ncsidriver/],
    ['get sc', /fast +disk\.csi\.stowage\.dev +Delete +WaitForFirstConsumer +true/],
    [
      'get volumeattachments',
      /NAME +ATTACHER +PV +NODE +ATTACHED +AGE\nattachment +d\.example\.com +large +n1 +false/,
    ],
    ['get csinodes', /n1 +1 /],
    ['get csidrivers', /d\.example\.com +true +true +false +<unset> +false +Persistent/],
    ['get csistoragecapacities', /^NAME +CREATED AT\ncap +20\d\d-/],
    ['get vac', /gold +d\.example\.com/],
    [
      'get pc',
      /^NAME .* PREEMPTIONPOLICY *\n[\s\S]*system-node-critical +2000001000 +false .*PreemptLowerPriority/,
    ],
    ['get deploy dep --subresource=scale', /^NAME +DESIRED +AVAILABLE +AGE\ndep +0 +0/],
    ['get pvc data --subresource=status -o jsonpath={.status}', /^\{"phase":"Pending"\}$/],
    ['get pods none --ignore-not-found', /^$/],
    [
      'describe pvc data',
      /Status: +Pending[\s\S]*StorageClass: +fast|StorageClass: +fast[\s\S]*Status: +Pending/,
    ],
    ['describe pv large', /Driver: +d\.example\.com/],
    ['describe pv small', /Type: +HostPath/],
    ['describe sc fast', /Provisioner: +disk\.csi\.stowage\.dev/],
    ['describe volumeattachment attachment', /Persistent Volume Name: +large/],
    ['describe csidriver d.example.com', /Pod Info On Mount: +true/],
    ['describe csinode n1', /Allocatables:\n +Count: +5/],
    ['describe csistoragecapacity cap', /Capacity: +5Gi/],
    ['get vac gold -o jsonpath={.parameters.iops}', /^5$/],
    ['describe pod pod', /ClaimName: +data/],
    ['describe sts web', /Replicas: +0 desired/],
    ['describe deploy dep', /StrategyType: +RollingUpdate/],
    ['describe ds agent', /Selector: +app=agent/],
    ['describe ns default', /No resource quota/],
    ['events --for pvc/data', /Normal +Told +PersistentVolumeClaim\/data +because/],
    ['events --types=Warning -o name', /^(?!.*told)/],
    ['explain pvc.spec.dataSourceRef', /FIELD: dataSourceRef <TypedObjectReference>/],
    [
      'explain pvc --recursive',
      /requests\t<map\[string\]Quantity>[\s\S]*allocatedResources\t<map\[string\]Quantity>/,
    ],
    ['explain pv.spec.persistentVolumeReclaimPolicy', /ENUM:\n +Delete\n +Recycle\n +Retain\n/],
    ['explain pod.spec.affinity', /DESCRIPTION:\n +Where the pod needs or prefers to run\./],
    ['explain pod --recursive', /port\t<IntOrString> -required-/],
    ['explain secret', /alphanumeric\n? +characters, '-', '_' or '\.'/],
    ['explain csidriver --recursive', /tokenRequests\t<\[\]TokenRequest>/],
    ['explain sts --api-version=apps/v1', /GROUP: +apps\nKIND: +StatefulSet/],
    ['api-resources --api-group=storage.k8s.io', /volumeattributesclasses +vac +storage\.k8s\.io\/v1 +false/],
    ['api-resources --namespaced=false -o name', /namespaces\nnodes\npersistentvolumes\n/],
    ['api-resources --api-group= -o wide', /namespaces .*create,delete,get,list,patch,update,watch *\n/],
    ['api-versions', /^storage\.k8s\.io\/v1$/m],
    ['version', /Server Version: v1\.36/],
    ['cluster-info', /control plane.* is running at /],
    ['config view', /clusters:/],
    ['config get-contexts', /stowage/],
    ['get --raw /readyz?verbose', /readyz check passed/],
    ['get --raw /api/v1/namespaces/default/configmaps?labelSelector=a%3E1', /"items":\[\]/],
    ['auth can-i create pvc', /^yes/],
    ['auth whoami', /Username +kubernetes-admin/],
    ['auth can-i --list --as=nobody', /selfsubjectreviews\.authentication\.k8s\.io/],
  ];
  for (const [command, says] of forms) {
    it(command, async () => assert.match(await k(...command.split(' ')), says));
  }

  it('get all, in the order of discovery', async () => {
    const kinds = (await k('get', 'all', '-o', 'name')).split('\n').map((name) => name.split('/')[0]);
    const apps = [...new Set(kinds.filter((kind) => kind?.endsWith('.apps')))];
    assert.deepEqual(apps, ['daemonset.apps', 'deployment.apps', 'replicaset.apps', 'statefulset.apps']);
  });

  /** Command, how it is refused. */
  const refusals: readonly (readonly [string, string])[] = [
    ['get pvc none', 'Error from server (NotFound): persistentvolumeclaims "none" not found\n'],
    ['get nope', 'error: the server doesn\'t have a resource type "nope"\n'],
    ['top pods', 'error: Metrics API not available\n'],
    ['top nodes', 'error: Metrics API not available\n'],
    ['explain pvc.spec.nope', 'error: field "nope" does not exist\n'],
    ['get --raw /nope', 'Error from server (NotFound): the server could not find the requested resource\n'],
    [
      'wait pvc/data --for=condition=Nope --timeout=1s',
      'error: timed out waiting for the condition on persistentvolumeclaims/data\n',
    ],
  ];
  for (const [command, says] of refusals)
    it(`${command} (refused)`, async () => assert.equal(await session.refused(...command.split(' ')), says));

  it('get -w shows the change, wait sees it', async () => {
    const watching = kubectlUntil(session.kubeconfig, [...watchOf('pv', 'small'), '-L', 'seen'], / yes$/);
    const waiting = k('wait', 'pv/small', '--for=jsonpath={.metadata.labels.seen}=yes', '--timeout=20s');
    await k('label', 'pv', 'small', 'seen=yes');
    assert.match(await watching, /^small/);
    assert.match(await waiting, /condition met/);
  });

  it('get -w --output-watch-events names the events', async () => {
    const line = await kubectlUntil(
      session.kubeconfig,
      ['get', 'pvc', '-w', '--output-watch-events'],
      /data/,
    );
    assert.match(line, /^ADDED +data +Pending/);
  });

  it('proxy serves the API to those who have no credentials', async () => {
    const env = { ...process.env, KUBECONFIG: session.kubeconfig, HOME: dirname(session.kubeconfig) };
    const child = spawn('kubectl', ['proxy', '--port=0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    try {
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      const address = /127\.0\.0\.1:\d+/.exec(line)![0];
      const [response] = await once(
        get(`http://${address}/api/v1/persistentvolumes/large`, { agent: false }),
        'response',
      );
      let body = '';
      for await (const chunk of response) body += chunk;
      assert.equal(JSON.parse(body).metadata.name, 'large');
    } finally {
      child.kill('SIGTERM');
      await exited;
    }
  });
});
