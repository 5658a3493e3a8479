import type { UserTables } from '../images/index.ts';

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** passwd(5) */
function passwdEntries(text: string): PasswdEntry[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 6)
    .map(([name, , uid, gid, , home]) => ({ name: name!, uid: Number(uid), gid: Number(gid), home: home! }));
}

/** The primary group of a user; 0 when passwd does not know it. */
export function primaryGroup({ passwd }: UserTables, uid: number): number {
  return passwdEntries(passwd).find((entry) => entry.uid === uid)?.gid ?? 0;
}

/** The home directory of a user; / when passwd does not know it. */
export function homeDirectory({ passwd }: UserTables, uid: number): string {
  return passwdEntries(passwd).find((entry) => entry.uid === uid)?.home || '/';
}

/** The groups of which group(5) says that the user is a member. */
export function memberGroups({ passwd, group }: UserTables, uid: number): number[] {
  const name = passwdEntries(passwd).find((entry) => entry.uid === uid)?.name;
  if (name === undefined) return [];
  return group
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields[3]?.split(',').includes(name))
    .map((fields) => Number(fields[2]));
}

/** As whom an image wants to be run. */
export interface ImageUser {
  readonly uid: number;
  readonly gid?: number;
  /** When it was not given as a number. */
  readonly name?: string;
}

/**
 * Reads USER or USER:GROUP of an image.
 * @throws Error when a name is in none of its tables (the words are containerd's).
 */
export function imageUser(user: string, tables: UserTables): ImageUser {
  if (user === '') return { uid: 0 };
  const [userPart = '', groupPart] = user.split(':');
  const gid = groupPart ? groupId(groupPart, tables) : undefined;
  if (/^\d+$/.test(userPart)) return { uid: Number(userPart), gid };
  const entry = passwdEntries(tables.passwd).find(({ name }) => name === userPart);
  if (!entry) throw new Error(`unable to find user ${userPart}: no matching entries in passwd file`);
  return { uid: entry.uid, gid: gid ?? entry.gid, name: userPart };
}

function groupId(group: string, tables: UserTables): number {
  if (/^\d+$/.test(group)) return Number(group);
  const fields = tables.group
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === group);
  if (!fields) throw new Error(`unable to find group ${group}: no matching entries in group file`);
  return Number(fields[2]);
}
