/** What an image says of how its program is run (OCI image specification, config). */
export interface ImageConfig {
  readonly environment: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDir: string;
  /** USER or USER:GROUP, each a name or a number; '' is root. */
  readonly user: string;
}

/** Who is who in an image, or on a host: the texts of /etc/passwd and /etc/group. */
export interface UserTables {
  readonly passwd: string;
  readonly group: string;
}

/** An image that containers can run in. */
export interface LoadedImage {
  /** sha256:… of its configuration. */
  readonly id: string;
  /** NAME:TAG, in the order in which they were given. */
  readonly names: readonly string[];
  /** Of its unpacked files. */
  readonly sizeBytes: number;
  /** The directory with its root file system. */
  readonly root: string;
  readonly config: ImageConfig;
  readonly users: UserTables;
}

/** The images of a machine. */
export interface Images {
  /** By name (a tag that is missing is `latest`), or by id. */
  find(reference: string): Promise<LoadedImage | undefined>;
  list(): Promise<readonly LoadedImage[]>;
}

/** What a machine has into which nothing was loaded. */
export const NO_IMAGES: Images = { find: async () => undefined, list: async () => [] };
