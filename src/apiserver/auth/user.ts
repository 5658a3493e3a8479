/** Who makes a request, as the authenticator found it. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  /** What else the authenticator knows, e.g. authentication.kubernetes.io/pod-name. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}
