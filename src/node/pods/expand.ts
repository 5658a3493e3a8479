/**
 * Replaces $(NAME) by the variable's value. An unknown name stays as it is; $$ stands for one $, so $$(NAME) is never
 * replaced. Rules: third_party/forked/golang/expansion.
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (variables.get(name) ?? whole),
  );
}
