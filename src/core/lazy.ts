/** Answers what `make` has made at the first call; if that throws, the next call tries anew. */
export function lazy<T extends object | string>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}
