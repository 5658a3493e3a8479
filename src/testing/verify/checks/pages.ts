import type { Scene } from '../scene.ts';

interface Page {
  readonly entries: readonly unknown[];
  readonly nextToken: string;
}

/** More pages than any storage with so few entries as a check makes should have; a list that never ends is cut here. */
const MAX_PAGES = 100_000;

/** Every entry of a list, read in pages of `maxEntries`. @throws Violation when a page is too long or the pages do not end. */
export async function readPages<P extends Page>(
  scene: Scene,
  maxEntries: number,
  list: (page: { maxEntries: number; startingToken: string }) => Promise<P>,
): Promise<P['entries'][number][]> {
  const entries: P['entries'][number][] = [];
  const tokens = new Set<string>();
  let startingToken = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await scene.answers(
      list({ maxEntries, startingToken }),
      'a token from the page before leads to the next page',
    );
    scene.demand(
      page.entries.length <= maxEntries,
      `no more than max_entries (${maxEntries}) are answered; it were ${page.entries.length}`,
      'cut the page, and set next_token',
    );
    entries.push(...page.entries);
    if (page.nextToken === '') return entries;
    scene.demand(
      !tokens.has(page.nextToken),
      `each token leads further; ${JSON.stringify(page.nextToken)} came before`,
      'let the token say where the next page begins',
    );
    tokens.add(page.nextToken);
    startingToken = page.nextToken;
  }
  throw scene.violation(`the last page has no next_token; ${MAX_PAGES} pages had one`, 'end the list');
}
