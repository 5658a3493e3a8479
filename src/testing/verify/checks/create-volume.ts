import { type Check, checksOf } from '../check.ts';
import type { Scene } from '../scene.ts';

const MAX_STRING_BYTES = 128;
const MAX_MAP_BYTES = 4096;
const AT_ONCE = 5;

export const createVolumeChecks: readonly Check[] = checksOf(
  'CreateVolume',
  ['Controller CREATE_DELETE_VOLUME'],
  [
    [
      'volume',
      'A volume has an id and the capacity asked for, within the size limits',
      async (scene) => {
        const { volume } = await scene.csi.controller.createVolume(await scene.volumeRequest());
        const says = 'a new volume has an id of at most 128 bytes';
        const id = volume?.volumeId ?? '';
        scene.demand(id !== '' && Buffer.byteLength(id) <= MAX_STRING_BYTES, says, 'answer with such an id');
        const capacity = volume!.capacityBytes;
        scene.demand(
          capacity === 0n || capacity >= scene.options.sizeBytes,
          'capacity_bytes is at least required_bytes (or 0: unknown)',
          'round sizes up, never down',
        );
        const bytes = Object.entries(volume!.volumeContext).reduce(
          (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
          0,
        );
        scene.demand(
          bytes <= MAX_MAP_BYTES,
          `a map has at most 4 KiB; volume_context has ${bytes} bytes`,
          'keep in the context only what the node must know',
        );
      },
    ],
    [
      'without-capacity',
      'Without a capacity range the driver chooses the size',
      async (scene) => {
        const request = await scene.volumeRequest({ capacityRange: undefined });
        await scene.answers(
          scene.csi.controller.createVolume(request),
          'capacity_range is optional; without it the plugin may choose the capacity',
          'have a default size',
        );
      },
    ],
    [
      'within-limit',
      'The capacity stays within limit_bytes',
      async (scene) => {
        const sizeBytes = scene.options.sizeBytes;
        const request = await scene.volumeRequest({
          capacityRange: { requiredBytes: sizeBytes, limitBytes: sizeBytes * 2n },
        });
        const { volume } = await scene.answers(
          scene.csi.controller.createVolume(request),
          'a range that the plugin can meet is met',
        );
        scene.demand(
          volume!.capacityBytes <= sizeBytes * 2n,
          'capacity_bytes is at most limit_bytes',
          'answer OUT_OF_RANGE if no size that the storage can make lies in the range',
        );
      },
    ],
    [
      'limit-below-required',
      'A range whose limit is below what it requires is refused',
      async (scene) => {
        const sizeBytes = scene.options.sizeBytes;
        const request = await scene.volumeRequest({
          capacityRange: { requiredBytes: sizeBytes * 2n, limitBytes: sizeBytes },
        });
        await scene.refuses(
          scene.csi.controller.createVolume(request),
          ['INVALID_ARGUMENT', 'OUT_OF_RANGE'],
          'no capacity satisfies the range',
        );
      },
    ],
    [
      'same-again',
      'The same name and arguments again answer with the same volume',
      async (scene) => {
        const request = await scene.volumeRequest();
        const { volume: first } = await scene.prepare(scene.csi.controller.createVolume(request));
        const says = 'the call is idempotent by name: a compatible volume of that name is answered';
        const { volume } = await scene.answers(scene.csi.controller.createVolume(request), says);
        scene.demand(
          volume?.volumeId === first?.volumeId,
          `${says}; it was ${JSON.stringify(first?.volumeId)} before`,
          'look for a volume of the name before making one',
        );
      },
    ],
    [
      'same-name-other-size',
      'The same name with a size that the volume does not have is refused',
      async (scene) => {
        const request = await scene.volumeRequest();
        const { volume } = await scene.prepare(scene.csi.controller.createVolume(request));
        const made = volume!.capacityBytes || scene.options.sizeBytes;
        await scene.refuses(
          scene.csi.controller.createVolume({
            ...request,
            capacityRange: { requiredBytes: made * 2n, limitBytes: made * 2n },
          }),
          ['ALREADY_EXISTS'],
          'a volume of that name exists and is incompatible with capacity_range',
        );
      },
    ],
    [
      'same-name-at-once',
      'The same request several times at once makes one volume',
      async (scene) => {
        const request = await scene.volumeRequest();
        const answers = await scene.atOnce(AT_ONCE, () => scene.csi.controller.createVolume(request));
        const { volume } = await scene.csi.controller.createVolume(request);
        scene.demand(
          answers.every((answer) => answer.volume?.volumeId === volume?.volumeId),
          `calls for one name end in one volume; earlier answers had ${ids(answers)}`,
          'let creates of one name wait for one another, or answer ABORTED',
        );
      },
    ],
    [
      'different-names-at-once',
      'Different names at once make different volumes',
      async (scene) => {
        const requests = await Promise.all(Array.from({ length: AT_ONCE }, () => scene.volumeRequest()));
        const answers = await Promise.all(
          requests.map((request) =>
            scene.answers(
              scene.csi.controller.createVolume(request),
              'calls for different volumes do not exclude each other',
            ),
          ),
        );
        scene.demand(
          new Set(answers.map((answer) => answer.volume?.volumeId)).size === AT_ONCE,
          `volumes with different names have different ids; they were ${ids(answers)}`,
          'make the id depend on the whole name',
        );
      },
    ],
    [
      'name-of-128-bytes',
      'A name of 128 bytes is taken, and all of it counts',
      async (scene) => {
        const name = scene.name().padEnd(MAX_STRING_BYTES - 1, 'x');
        const says = 'a name has up to 128 bytes';
        const first = await answerTo(scene, `${name}1`, says, 'take names of 128 bytes');
        const second = await answerTo(scene, `${name}2`, says, 'take names of 128 bytes');
        scene.demand(
          first !== second,
          'volumes whose names differ in the last byte are different volumes',
          'shorten a name by a hash of it, not by cutting it off',
        );
      },
    ],
    [
      'name-in-unicode',
      'A name may contain anything but control characters',
      async (scene) => {
        await answerTo(
          scene,
          `${scene.name()}/../Żółw "1" ☃`,
          'any Unicode string without control characters is a name',
          'derive the id from the name (a hash of it) where the storage takes fewer characters',
        );
      },
    ],
    [
      'capability-without-mode',
      'A capability without an access mode is refused',
      async (scene) => {
        const { accessType } = scene.capability();
        await refusesCapability(scene, { accessType }, 'access_mode is required');
      },
    ],
    [
      'capability-without-type',
      'A capability that is neither block nor mount is refused',
      async (scene) => {
        const { accessMode } = scene.capability();
        await refusesCapability(scene, { accessMode }, 'one of block and mount must be given');
      },
    ],
    [
      'unknown-snapshot',
      'A snapshot that does not exist cannot be restored',
      async (scene) => {
        await refusesSource(
          scene,
          { case: 'snapshot', value: { snapshotId: scene.unknownId() } },
          ['NOT_FOUND'],
          'the source must exist',
        );
      },
      ['Controller CREATE_DELETE_SNAPSHOT'],
    ],
    [
      'unknown-source-volume',
      'A volume that does not exist cannot be cloned',
      async (scene) => {
        await refusesSource(
          scene,
          { case: 'volume', value: { volumeId: scene.unknownId() } },
          ['NOT_FOUND'],
          'the source must exist',
        );
      },
      ['Controller CLONE_VOLUME'],
    ],
    [
      'unsupported-source-volume',
      'A driver that cannot clone refuses a volume as the source',
      async (scene) => {
        const { volumeId } = await scene.volume();
        await refusesSource(
          scene,
          { case: 'volume', value: { volumeId } },
          ['INVALID_ARGUMENT'],
          'a source that is not supported is refused; the volume would be empty otherwise',
        );
      },
      ['!Controller CLONE_VOLUME'],
    ],
  ],
);

type Init = Parameters<Scene['volumeRequest']>[0];
type Source = NonNullable<NonNullable<NonNullable<Init>['volumeContentSource']>['type']>;

async function answerTo(scene: Scene, name: string, says: string, advice: string): Promise<string> {
  const request = await scene.volumeRequest({ name });
  const { volume } = await scene.answers(scene.csi.controller.createVolume(request), says, advice);
  return volume?.volumeId ?? '';
}

async function refusesCapability(
  scene: Scene,
  capability: NonNullable<NonNullable<Init>['volumeCapabilities']>[number],
  says: string,
): Promise<void> {
  const request = await scene.volumeRequest({ volumeCapabilities: [capability] });
  await scene.refuses(scene.csi.controller.createVolume(request), ['INVALID_ARGUMENT'], says);
}

async function refusesSource(
  scene: Scene,
  type: Source,
  codes: Parameters<Scene['refuses']>[1],
  says: string,
): Promise<void> {
  const request = await scene.volumeRequest({ volumeContentSource: { type } });
  await scene.refuses(scene.csi.controller.createVolume(request), codes, says);
}

function ids(answers: readonly { volume?: { volumeId: string } }[]): string {
  return answers.map(({ volume }) => volume?.volumeId).join(', ');
}
