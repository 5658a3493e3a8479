import { badRequest } from '../../kube/index.ts';

const VERSION = 'meta.k8s.io/v1';
/** In a token: go on from the key in whatever the present state is. */
export const LATEST = -1;

/** Where a list goes on. */
export interface ContinueToken {
  /** The state that all pages show, or LATEST. */
  readonly revision: number;
  /** The first key that may be on the next page. */
  readonly start: string;
}

/** The text of a token, in upstream's form (storage.EncodeContinue). */
export function writeToken({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv: revision, start })).toString('base64url');
}

/** The first key after `key`. */
export const keyAfter = (key: string): string => `${key}\0`;

/** @throws StatusError 400 for what this server never gave out (storage.DecodeContinue). */
export function readToken(text: string): ContinueToken {
  const { v, rv, start } = parse(text);
  if (v !== VERSION)
    throw refuse(`continue key is not valid: server does not recognize this encoded version ${v ?? ''}`);
  if (!Number.isSafeInteger(rv) || rv === 0)
    throw refuse(
      'continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    );
  if (typeof start !== 'string' || start === '')
    throw refuse('continue key is not valid: encoded start key empty (version meta.k8s.io/v1)');
  if (start.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw refuse(`continue key is not valid: ${start}`);
  return { revision: rv as number, start };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Not one of ours.
  }
  const odd = text.search(/[^\w-]/);
  const end = text.length % 4 === 1 ? text.length - 1 : -1;
  const position = odd < 0 ? end : odd;
  throw refuse(
    position < 0
      ? 'continue key is not valid: it is not one that this server gave out'
      : `continue key is not valid: illegal base64 data at input byte ${position}`,
  );
}

const refuse = (why: string) => badRequest(`invalid continue token: ${why}`);
