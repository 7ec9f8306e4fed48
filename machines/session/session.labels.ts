/* How documents and tests write down what the topology refers to. */

/**
 * The label of a guard or an update as a transition of XState holds it: `hasAttemptsLeft`, `isDue(launch)`,
 * `isDue(launch) and hasAttemptsLeft`. Of several parameters only the first is shown.
 *
 * @throws for anything else, such as an inline function.
 */
export function labelOf(reference: unknown): string {
  if (typeof reference === 'string') return reference;
  // XState stores the guards that `and` joins as a property of the combined function.
  if (typeof reference === 'function' && 'guards' in reference && Array.isArray(reference.guards))
    return reference.guards.map(labelOf).join(' and ');
  if (typeof reference !== 'object' || reference === null || !('type' in reference))
    throw new Error('a guard or an update without a name');
  const params = 'params' in reference ? Object.values(reference.params ?? {}) : [];
  return params.length === 0 ? String(reference.type) : `${String(reference.type)}(${String(params[0])})`;
}
