/**
 * The keys of a combination such as `Control+Shift+A` or `Control++`, in the order in which they are pressed. The names
 * are not checked.
 */
export function keysOf(combination: string): string[] {
  return Array.from(combination.matchAll(/([^+]+|\+)(?:\+|$)/g), ([, key = '']) => key);
}
