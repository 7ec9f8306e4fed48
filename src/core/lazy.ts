/** Calls `make` once and returns its result every time; if it throws, the next call tries again. */
export function lazy<T extends object | string>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}
