import { main } from '../../src/cli/main';

/** What a command has printed, and its exit code. */
export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command in this process, against a service.
 *
 * @param group - the commands that it is one of, such as `keys`
 */
export async function runCommand(url: string, group: string, argv: readonly string[]): Promise<Printed> {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => (written[name] += text),
    on: () => process.stdout,
  });
  const terminal = { stdout: output('stdout'), stderr: output('stderr') };
  const code = await main([group, ...argv, '--url', url], '1.2.3', terminal);
  return { code, ...written };
}
