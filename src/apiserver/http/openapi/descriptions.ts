import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What a model and its fields mean, in upstream's words. */
export interface Description {
  readonly text: string;
  readonly fields: ReadonlyMap<string, string>;
}

const NONE: Description = { text: '', fields: new Map() };

/**
 * Reads the descriptions of models from the comments of the published type declarations of @kubernetes/client-node,
 * which carry upstream's API documentation. A model without a file has none.
 */
export async function readDescriptions(models: Iterable<string>): Promise<ReadonlyMap<string, Description>> {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node')),
    'gen',
    'models',
  );
  const read = async (model: string): Promise<[string, Description]> => {
    try {
      return [model, parseDeclaration(await readFile(join(folder, `${model}.d.ts`), 'utf8'))];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [model, NONE];
      throw error;
    }
  };
  return new Map(await Promise.all([...models].map(read)));
}

/** The comments of a class declaration and of its properties. */
export function parseDeclaration(source: string): Description {
  const fields = new Map<string, string>();
  let text = '';
  const pattern = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:(export declare class)|'([^']+)'\??:)/g;
  for (const [, comment = '', isClass, property] of source.matchAll(pattern)) {
    if (isClass) text = commentText(comment);
    // An underscore keeps a name of the wire apart from a word of the language.
    else if (property) fields.set(property.replace(/^_/, ''), commentText(comment));
  }
  return { text, fields };
}

function commentText(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.trim().replace(/^\*\s?/, ''))
    .join('\n')
    .replace(/\\(['"\\])/g, '$1')
    .trim();
}
