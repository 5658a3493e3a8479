import { type Check, checksOf } from '../check.ts';

/** Source: GetPluginInfoResponse.name: at most 63 characters, domain name notation. */
const DRIVER_NAME = /^[a-zA-Z0-9]([-.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;

export const identityChecks: readonly Check[] = [
  ...checksOf(
    'GetPluginInfo',
    [],
    [
      [
        'name',
        'The name is at most 63 letters, digits, dashes and dots',
        async (scene) => {
          const { name } = await scene.csi.identity.getPluginInfo({});
          scene.demand(
            DRIVER_NAME.test(name),
            'the name is at most 63 letters, digits, dashes and dots, and begins and ends with a letter or digit',
            'name the driver like a host: disk.csi.example.org',
          );
        },
      ],
      [
        'vendor-version',
        'The vendor version is there',
        async (scene) => {
          const { vendorVersion } = await scene.csi.identity.getPluginInfo({});
          scene.demand(
            vendorVersion !== '',
            'vendor_version is required',
            'set it to the version of the build',
          );
        },
      ],
    ],
  ),
  ...checksOf(
    'GetPluginCapabilities',
    [],
    [
      [
        'known',
        'Each capability says what it is',
        async (scene) => {
          const { capabilities } = await scene.csi.identity.getPluginCapabilities({});
          scene.demand(
            capabilities.every(({ type }) => type.case !== undefined && type.value.type !== 0),
            'a capability names a service or a kind of expansion; UNKNOWN is none',
            'leave out what the driver does not have',
          );
        },
      ],
    ],
  ),
  ...checksOf(
    'Probe',
    [],
    [
      [
        'ready',
        'A driver that serves calls is ready',
        async (scene) => {
          const { ready } = await scene.csi.identity.probe({});
          scene.demand(
            ready !== false,
            'ready is true, or left out, once the plugin is done with its initialization',
            'answer true when the driver can serve calls; a driver that is not healthy answers FAILED_PRECONDITION',
          );
        },
      ],
    ],
  ),
  ...checksOf(
    'ControllerGetCapabilities',
    ['controller'],
    [
      [
        'known',
        'Each capability says what it is, and none comes twice',
        async (scene) => {
          const { capabilities } = await scene.csi.controller.controllerGetCapabilities({});
          demandKnown(scene, capabilities);
        },
      ],
    ],
  ),
  ...checksOf(
    'NodeGetCapabilities',
    ['node'],
    [
      [
        'known',
        'Each capability says what it is, and none comes twice',
        async (scene) => {
          const { capabilities } = await scene.csi.node.nodeGetCapabilities({});
          demandKnown(scene, capabilities);
        },
      ],
    ],
  ),
  ...checksOf(
    'NodeGetInfo',
    ['node'],
    [
      [
        'node-id',
        'The node has an id of at most 256 bytes, and the same one each time',
        async (scene) => {
          const { nodeId } = await scene.csi.node.nodeGetInfo({});
          scene.demand(
            nodeId !== '' && Buffer.byteLength(nodeId) <= 256,
            'node_id is required and has at most 256 bytes',
            'give the node an id under which the controller knows it',
          );
          scene.demand(
            (await scene.csi.node.nodeGetInfo({})).nodeId === nodeId,
            `node_id is what the caller names the node by in later calls; it was ${JSON.stringify(nodeId)} before`,
            'take the id from something that stays',
          );
        },
      ],
      [
        'max-volumes',
        'The limit of volumes is not negative',
        async (scene) => {
          const { maxVolumesPerNode } = await scene.csi.node.nodeGetInfo({});
          scene.demand(
            maxVolumesPerNode >= 0n,
            'max_volumes_per_node must not be negative',
            'leave it at zero where there is no limit',
          );
        },
      ],
    ],
  ),
];

function demandKnown(
  scene: Parameters<Check['run']>[0],
  capabilities: readonly { type: { case: 'rpc'; value: { type: number } } | { case: undefined } }[],
): void {
  const types = capabilities.map(({ type }) => (type.case === 'rpc' ? type.value.type : 0));
  scene.demand(
    types.every((type) => type !== 0) && new Set(types).size === types.length,
    'each capability is an RPC capability other than UNKNOWN, and is listed once',
    'list each capability that the driver has once',
  );
}
