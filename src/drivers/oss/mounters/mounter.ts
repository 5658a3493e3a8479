import type { Location } from '../location.ts';
import type { Account } from '../s3/index.ts';
import type { AllowedOptions, Option } from './options.ts';

/** What a FUSE client is to mount. */
export interface MountPlan {
  readonly location: Location;
  readonly account: Account;
  /** The mount point. */
  readonly path: string;
  readonly options: readonly Option[];
  readonly readOnly: boolean;
  /** A directory of its own, for what it keeps of files that are being written. */
  readonly scratch: string;
}

/** A FUSE client for S3: a program that mounts a bucket and serves it until it is unmounted. */
export interface Mounter {
  readonly name: string;
  /** Found on PATH. */
  readonly command: string;
  /** Debian's package that has it. */
  readonly packageName: string;
  /** As the mount table names what it serves. */
  readonly fsType: string;
  readonly allowed: AllowedOptions;
  /** In the foreground. Credentials are in the environment alone: arguments are for everybody to read. */
  commandLine(plan: MountPlan): {
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  /**
   * Where below its scratch directory it notes of each file whether it has been uploaded; undefined: it uploads a file
   * before close(2) returns.
   */
  readonly uploadNotes?: string;
}
