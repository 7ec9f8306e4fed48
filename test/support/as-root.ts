/** `describe` or `test` where these tests are root on Linux, which they need to take on other users; else skipped. */
export function asRoot<T extends { readonly skip: T }>(run: T): T {
  const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
  if (!isRoot) process.stderr.write('SKIPPED: tests of several users need root on Linux\n');
  return isRoot ? run : run.skip;
}
