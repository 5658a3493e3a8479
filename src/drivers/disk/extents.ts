import type { Host } from '../../host/index.ts';

/** A stretch of a file that has data; what is between extents reads as zeros. Bytes. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
  /** Where it is on the device. Files that share a place have the same there. Absent: no one place says what is in it. */
  readonly place?: number;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A line of `filefrag -v`: number, first..last of the file, first..last of the device, length, expected, flags. */
const LINE = /^\s*\d+:\s*(\d+)\.\.\s*\d+:\s*(\d+)\.\.\s*\d+:\s*(\d+):\s*(?:\d+:)?\s*(\S*)\s*$/;
/** Reserved and never written: they read as zeros. */
const UNWRITTEN = 'unwritten';
/** Compressed, in the inode, in a block with others, or nowhere yet. Source: linux/fiemap.h. */
const WITHOUT_PLACE: ReadonlySet<string> = new Set([
  'encoded',
  'encrypted',
  'inline',
  'tail_packed',
  'not_aligned',
  'delalloc',
  'unknown_loc',
]);
/** A line has a hundred bytes: an image of two million pieces. */
const MAX_OUTPUT_BYTES = 256 << 20;

/** The extents of a file in their order, as the file system has them (FIEMAP). What was written must have been synced. */
export async function extentsOf(path: string, processes: Host['processes']): Promise<readonly Extent[]> {
  const { exitCode, stdout, stderr } = await processes.exec('filefrag', ['-v', '-e', '-b1', path], {
    maxOutputBytes: MAX_OUTPUT_BYTES,
    leavesNoProcess: true,
  });
  if (exitCode !== 0)
    throw new Error(`map the blocks of ${path}: filefrag: ${stderr.trim() || `exit code ${exitCode}`}`);
  return parseExtents(stdout);
}

/** What `filefrag -v -e -b1` says. Lines of another form are its headings. */
export function parseExtents(text: string): readonly Extent[] {
  const extents: Extent[] = [];
  for (const line of text.split('\n')) {
    const found = LINE.exec(line);
    if (!found) continue;
    const [offset, place, size] = found.slice(1, 4).map(Number) as [number, number, number];
    const flags = found[4]!.split(',');
    if (flags.includes(UNWRITTEN)) continue;
    extents.push(flags.some((flag) => WITHOUT_PLACE.has(flag)) ? { offset, size } : { offset, size, place });
  }
  return extents;
}

/** The stretches from `from` to `to` in which two files may differ: where they share no place, and not both have none. */
export function* mayDiffer(
  base: readonly Extent[],
  target: readonly Extent[],
  { start, end }: Range,
): Generator<Range> {
  const [inBase, inTarget] = [cursor(base), cursor(target)];
  for (let at = start; at < end; ) {
    const [one, other] = [inBase(at), inTarget(at)];
    const next = Math.min(end, one.until, other.until);
    const isSame = one.hasData === other.hasData && (!one.hasData || isAt(one.place, other.place));
    if (!isSame) yield { start: at, end: next };
    at = next;
  }
}

function isAt(place: number | undefined, other: number | undefined): boolean {
  return place !== undefined && place === other;
}

/** What a file has at a position, and until where that goes on. Positions only grow. */
function cursor(extents: readonly Extent[]) {
  let index = 0;
  return (at: number): { hasData: boolean; place?: number; until: number } => {
    while (index < extents.length && extents[index]!.offset + extents[index]!.size <= at) index++;
    const extent = extents[index];
    if (!extent) return { hasData: false, until: Number.POSITIVE_INFINITY };
    if (extent.offset > at) return { hasData: false, until: extent.offset };
    const until = extent.offset + extent.size;
    if (extent.place === undefined) return { hasData: true, until };
    return { hasData: true, place: extent.place + at - extent.offset, until };
  };
}

/** The stretches that extents have, within a range. */
export function* within(extents: readonly Extent[], { start, end }: Range): Generator<Range> {
  for (const { offset, size } of extents) {
    const [from, to] = [Math.max(offset, start), Math.min(offset + size, end)];
    if (from < to) yield { start: from, end: to };
  }
}

/** Ranges in their order, widened to whole blocks (but for the last of all, which may be cut off) and joined. */
export function* wholeBlocks(ranges: Iterable<Range>, blockSize: number, end: number): Generator<Range> {
  let open: Range | undefined;
  for (const range of ranges) {
    const start = Math.floor(range.start / blockSize) * blockSize;
    const last = Math.min(Math.ceil(range.end / blockSize) * blockSize, end);
    if (open && start <= open.end) {
      open = { start: open.start, end: Math.max(open.end, last) };
      continue;
    }
    if (open) yield open;
    open = { start, end: last };
  }
  if (open) yield open;
}
