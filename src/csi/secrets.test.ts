import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { nestedTypes, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import fc from 'fast-check';
import {
  CreateVolumeRequestSchema,
  file_csi,
  NodeExpandVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode,
} from './generated/csi_pb.js';
import { isSecretField, redact, STRIPPED, secretValues, stripSecrets } from './secrets.ts';

const SECRET = 'sentinel-secret';
const PUBLIC = 'sentinel-public';

const MESSAGES = [...nestedTypes(file_csi)].filter((type): type is DescMessage => type.kind === 'message');

/** A message with every field set, one case of each oneof by `pick`; strings say whether they lie in a secret field. */
function filled(schema: DescMessage, pick: (of: number) => number, counts: Counts, secret = false): Message {
  const message = reflect(schema, create(schema));
  for (const member of message.members) {
    const field = member.kind === 'oneof' ? member.fields[pick(member.fields.length)]! : member;
    const inside = secret || isSecretField(field);
    fill(message, field, pick, counts, inside);
  }
  return message.message;
}

interface Counts {
  secret: number;
  public: number;
}

function fill(
  message: ReflectMessage,
  field: DescField,
  pick: (of: number) => number,
  counts: Counts,
  secret: boolean,
): void {
  const item = (): unknown => {
    if (field.message) return reflect(field.message, filled(field.message, pick, counts, secret));
    if (field.enum) return field.enum.values.at(-1)!.number;
    return scalar(field, counts, secret);
  };
  if (field.fieldKind === 'list') message.get(field).add(item());
  else if (field.fieldKind === 'map') message.get(field).set(`key-${secret ? SECRET : PUBLIC}`, item());
  else message.set(field, item());
}

function scalar(field: DescField, counts: Counts, secret: boolean): unknown {
  const kind = (field as { scalar?: number }).scalar;
  if (kind === 9) {
    counts[secret ? 'secret' : 'public']++;
    return secret ? SECRET : PUBLIC;
  }
  if (kind === 8) return true;
  return kind === 3 ? 5n : 5;
}

describe('stripSecrets', () => {
  const withSecrets = MESSAGES.filter((schema) => schema.fields.some(isSecretField));

  it('the protocol has 19 messages with a secret field', () => {
    assert.equal(withSecrets.length, 19);
  });

  it('of any message, shows every public string and no secret, neither value nor key', () => {
    fc.assert(
      fc.property(fc.constantFrom(...MESSAGES), fc.infiniteStream(fc.nat()), (schema, choices) => {
        const counts = { secret: 0, public: 0 };
        const message = filled(schema, (of) => choices.next().value! % of, counts);
        const text = JSON.stringify(stripSecrets(schema, message));
        assert(!text.includes(SECRET), text);
        assert.equal(
          text.split(`:"${PUBLIC}"`).length + text.split(`["${PUBLIC}"`).length - 2,
          counts.public,
          text,
        );
        assert.equal(text.includes(STRIPPED), counts.secret > 0, text);
        assert.equal(secretValues(schema, message).length, counts.secret);
      }),
      { numRuns: 500 },
    );
  });

  for (const schema of withSecrets) {
    it(`strips ${schema.name}`, () => {
      const message = filled(schema, () => 0, { secret: 0, public: 0 });
      const stripped = stripSecrets(schema, message);
      for (const field of schema.fields.filter(isSecretField)) assert.equal(stripped[field.name], STRIPPED);
    });
  }

  it('writes fields and enums by their names in the protocol, and leaves out what is not set', () => {
    const request = create(CreateVolumeRequestSchema, {
      name: 'pvc-1',
      capacityRange: { requiredBytes: 2n ** 60n },
      volumeCapabilities: [
        { accessMode: { mode: VolumeCapability_AccessMode_Mode.MULTI_NODE_MULTI_WRITER } },
        { accessType: { case: 'block', value: {} } },
      ],
      secrets: { user: 'u' },
    });
    assert.deepEqual(stripSecrets(CreateVolumeRequestSchema, request), {
      name: 'pvc-1',
      capacity_range: { required_bytes: '1152921504606846976' },
      volume_capabilities: [{ access_mode: { mode: 'MULTI_NODE_MULTI_WRITER' } }, { block: {} }],
      secrets: STRIPPED,
    });
  });

  it('leaves the message alone', () => {
    const request = create(NodeExpandVolumeRequestSchema, { secrets: { key: 'value' } });
    stripSecrets(NodeExpandVolumeRequestSchema, request);
    assert.deepEqual(request.secrets, { key: 'value' });
  });
});

describe('redact', () => {
  it('cuts every secret out, the longer of two that overlap first', () => {
    assert.equal(
      redact('x pass password pass', ['pass', 'password']),
      `x ${STRIPPED} ${STRIPPED} ${STRIPPED}`,
    );
  });
  it('takes no value under three characters for a secret', () => {
    assert.equal(redact('a path', ['a', '']), 'a path');
  });
});
