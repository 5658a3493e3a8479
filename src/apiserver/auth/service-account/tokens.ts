import type { Clock } from '../../../base/index.ts';
import type { Secret, Stored } from '../../../kube/index.ts';
import type { UserInfo } from '../../registry/contract.ts';
import { audiencesOf, LEGACY_ISSUER, type TokenClaims, userOfAccount } from './claims.ts';
import type { SigningKeys } from './signing-keys.ts';
import { InvalidTokenError, type TokenObjects, validateToken } from './validate.ts';

/** How many tokens are remembered whose signature was found good. */
const REMEMBERED_TOKENS = 4096;

/** Who a token stands for, and for which of the audiences that were asked for. */
export interface Authenticated {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

export interface TokensOptions {
  readonly keys: SigningKeys;
  /** Who signs: the `iss` of new tokens, and the audience of this API server. */
  readonly issuer: string;
  readonly objects: TokenObjects;
  readonly clock: Pick<Clock, 'now'>;
  /** The token of a secret is being used. */
  readonly secretUsed?: (secret: Stored<Secret>) => void;
}

/** Signs and authenticates service account tokens. What jose does is loaded when it is needed: most starts need none. */
export class ServiceAccountTokens {
  readonly issuer: string;
  readonly #keys: SigningKeys;
  readonly #objects: TokenObjects;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #secretUsed: TokensOptions['secretUsed'];
  /** A signature stays good: only what the token names is looked at on each request. */
  readonly #verified = new Map<string, TokenClaims>();

  constructor({ keys, issuer, objects, clock, secretUsed }: TokensOptions) {
    this.#keys = keys;
    this.issuer = issuer;
    this.#objects = objects;
    this.#clock = clock;
    this.#secretUsed = secretUsed;
  }

  /** Loads what signing takes, so that the first pod need not wait for it. */
  async prepare(): Promise<void> {
    await this.sign({});
  }

  async sign(claims: TokenClaims): Promise<string> {
    const { CompactSign } = await import('jose/jws/compact/sign');
    const { algorithm, id, privateKey } = this.#keys.signing;
    return new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: algorithm, kid: id })
      .sign(privateKey);
  }

  /**
   * Resolves to `undefined` for what is no token of this issuer.
   * @throws InvalidTokenError saying why a token is not valid, or not any more.
   */
  async authenticate(
    token: string,
    audiences: readonly string[] = [this.issuer],
  ): Promise<Authenticated | undefined> {
    let claims = this.#verified.get(token);
    if (!claims) {
      claims = await this.#verify(token);
      if (!claims) return undefined;
      this.#remember(token, claims);
    }
    const own = audiencesOf(claims);
    const audience = own.length > 0 ? own : [this.issuer];
    const common = audience.filter((one) => audiences.includes(one));
    if (common.length === 0)
      throw new InvalidTokenError(
        `token audiences ${goList(audience)} is invalid for the target audiences ${goList(audiences)}`,
      );
    try {
      const info = validateToken(token, claims, this.#objects, this.#clock.now());
      if (info.secret) this.#secretUsed?.(info.secret);
      return { user: userOfAccount(info), audiences: common };
    } catch (error) {
      this.#verified.delete(token);
      throw error;
    }
  }

  /** What /.well-known/openid-configuration says, for whoever is to believe these tokens. */
  openIdConfiguration(keySetUrl: string): object {
    const algorithms = new Set(this.#keys.verification.map(({ algorithm }) => algorithm));
    return {
      issuer: this.issuer,
      jwks_uri: keySetUrl,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...algorithms].sort(),
    };
  }

  /** What /openid/v1/jwks says: the public keys. */
  keySet(): object {
    const keys = this.#keys.verification.map(({ id, algorithm, publicKey }) => ({
      use: 'sig',
      ...publicKey.export({ format: 'jwk' }),
      kid: id,
      alg: algorithm,
    }));
    return { keys };
  }

  /** The claims of a token whose signature is good; `undefined` for what another issuer has made. */
  async #verify(token: string): Promise<TokenClaims | undefined> {
    const issuer = unverified<TokenClaims>(token, 1)?.iss;
    if (issuer !== this.issuer && issuer !== LEGACY_ISSUER) return undefined;
    const head = unverified<{ kid?: string }>(token, 0);
    if (!head) return undefined;
    const keyId = head.kid;
    const keys = this.#keys.verification.filter(({ id }) => !keyId || id === keyId);
    if (keys.length === 0) throw new InvalidTokenError('invalid signature, no keys found');
    const { compactVerify } = await import('jose/jws/compact/verify');
    for (const { publicKey, algorithm } of keys) {
      try {
        const { payload } = await compactVerify(token, publicKey, { algorithms: [algorithm] });
        return JSON.parse(Buffer.from(payload).toString('utf8')) as TokenClaims;
      } catch {
        // The next one may fit.
      }
    }
    throw new InvalidTokenError('go-jose/go-jose: error in cryptographic primitive');
  }

  #remember(token: string, claims: TokenClaims): void {
    if (this.#verified.size >= REMEMBERED_TOKENS) {
      const [oldest] = this.#verified.keys();
      this.#verified.delete(oldest!);
    }
    this.#verified.set(token, claims);
  }
}

/** A part of a token, not to be believed yet; `undefined` for what is no token. */
function unverified<T>(token: string, part: 0 | 1): T | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const value = JSON.parse(Buffer.from(parts[part]!, 'base64url').toString('utf8')) as T | null;
    return value ?? undefined;
  } catch {
    return undefined;
  }
}

/** As Go's %q prints a list. */
const goList = (list: readonly string[]) => `[${list.map((one) => JSON.stringify(one)).join(' ')}]`;
