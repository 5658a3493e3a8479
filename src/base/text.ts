/** Without the characters at the end that are this one. An expression for it would look at each run of them again and again. */
export function trimEndOf(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return text.slice(0, end);
}
