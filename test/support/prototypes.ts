import { runInThisContext } from 'node:vm';

/**
 * Names of everything that objects, lists, functions and texts inherit, in the realm of the tests and in Node's own.
 */
export function inheritedNames(): readonly string[] {
  // SAFETY: the script makes lists of this form.
  const outer = runInThisContext(`(${namesOf.toString()})()`) as string[];
  return [...namesOf(), ...outer];
}

/* Must stand alone: its text is run in another realm. */
function namesOf(): string[] {
  return [Object, Array, Function, String, Number, Map, Set, Promise, Error].flatMap(type =>
    [type, type.prototype].flatMap(owner => Reflect.ownKeys(owner).map(key => `${type.name} ${String(key)}`)),
  );
}
