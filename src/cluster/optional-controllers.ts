/** Controllers that upstream has off unless they are asked for. */
export const OPTIONAL_CONTROLLERS = ['selinux-warning-controller'] as const;
export type OptionalController = (typeof OPTIONAL_CONTROLLERS)[number];

/**
 * The controllers that `--controllers '*,NAME'` asks for beside those that are on by default. `-NAME` takes one back.
 * @throws Error for a name that is not known (upstream's words), and when the others were to be switched off.
 */
export function parseControllers(text: string): readonly OptionalController[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => name !== '*' && !isOptional(name.replace(/^-/, '')));
  if (unknown !== undefined) {
    throw new Error(`${JSON.stringify(unknown)} is not in the list of known controllers`);
  }
  if (!names.includes('*')) {
    throw new Error('the controllers that are on by default cannot be switched off: begin with *');
  }
  return OPTIONAL_CONTROLLERS.filter((name) => names.includes(name) && !names.includes(`-${name}`));
}

function isOptional(name: string): name is OptionalController {
  return (OPTIONAL_CONTROLLERS as readonly string[]).includes(name);
}
