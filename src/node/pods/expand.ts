/**
 * Replaces $(NAME) by the variable's value, of the first map that has it. An unknown name stays as it is; $$ stands for one $, so $$(NAME) is never
 * replaced. Rules: third_party/forked/golang/expansion.
 */
export function expand(text: string, ...variables: readonly ReadonlyMap<string, string>[]): string {
  // Behind the last bracket is no name: nothing is to be looked for there, over and over, to the end of the text.
  const end = text.lastIndexOf(')') + 1;
  const expanded = text
    .slice(0, end)
    .replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
      name === undefined ? '$' : (variables.find((map) => map.has(name))?.get(name) ?? whole),
    );
  return expanded + text.slice(end).replaceAll('$$', () => '$');
}
