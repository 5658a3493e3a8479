/** A rule of the design that was broken. */
export interface Violation {
  readonly rule: string;
  readonly detail: string;
}
