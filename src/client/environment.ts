/** What the client uses of Node's `process`. */
export interface NodeProcess {
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: string, listener: () => void): unknown;
  off(signal: string, listener: () => void): unknown;
  listenerCount(signal: string): number;
  kill(pid: number, signal: string): unknown;
}

/** Node's `process`, or what stands in for it in Bun and Deno; undefined in edge runtimes and browsers. */
export function nodeProcess(): NodeProcess | undefined {
  // SAFETY: looked at before it is used; every member is optional until then.
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  const isWhole = typeof process?.on === 'function' && typeof process.kill === 'function';
  // SAFETY: what can listen to signals and send them is a Node process; bundlers' stand-ins have only `env`.
  return isWhole ? (process as NodeProcess) : undefined;
}

/** A variable of the environment; undefined if it is empty or there is no environment. */
export function environmentVariable(name: 'HOLDFAST_URL' | 'HOLDFAST_API_KEY'): string | undefined {
  // SAFETY: as above; in some runtimes `process` has nothing but `env`.
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  const value = process?.env?.[name];
  return value === '' ? undefined : value;
}
