/** Something the user can mend: its message is one line that says what, why and what to do. */
export class UsageError extends Error {
  override name = 'UsageError';
}
