/** The members of Node's `process` that the client uses. */
export interface NodeProcess {
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: string, listener: () => void): unknown;
  off(signal: string, listener: () => void): unknown;
  listenerCount(signal: string): number;
  kill(pid: number, signal: string): unknown;
}

/** Node's `process`, or its equivalent in Bun and Deno; undefined in edge runtimes and browsers. */
export function nodeProcess(): NodeProcess | undefined {
  // SAFETY: checked before it is used; every member is optional until then.
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  const isWhole = typeof process?.on === 'function' && typeof process.kill === 'function';
  // SAFETY: an object that can listen to signals and send them is a Node process; bundlers' substitutes have only
  // `env`.
  return isWhole ? (process as NodeProcess) : undefined;
}

/** A variable of the environment; undefined if it is empty or there is no environment. */
export function environmentVariable(name: 'HOLDFAST_URL' | 'HOLDFAST_API_KEY'): string | undefined {
  // SAFETY: as above; in some runtimes `process` has only `env`.
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  const value = process?.env?.[name];
  return value === '' ? undefined : value;
}
