import { CommanderError } from 'commander';
import { readTerminalEnv } from '../config/env';
import { systemClock } from '../core/clock';
import type { Context } from './context';
import { EXIT, exitCodeOf } from './exit-codes';
import { formatAskedFor, printFailure } from './failure';
import { buildProgram } from './program';
import { Terminal, type Output } from './terminal';

/** The output streams of the command line. */
export interface Outputs {
  readonly stdout: Output & Pick<NodeJS.WritableStream, 'on'>;
  readonly stderr: Output & Pick<NodeJS.WritableStream, 'on'>;
}

/**
 * Carries out a command line; resolves with the exit code, never rejects.
 *
 * @param argv - without `node` and the name of the script
 * @param version - the version of this package
 */
export async function main(
  argv: readonly string[],
  version: string,
  outputs: Outputs = process,
): Promise<number> {
  const context = contextOf(outputs);
  const program = buildProgram(context, version);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return context.outputGone.aborted ? EXIT.brokenPipe : EXIT.ok;
  } catch (error) {
    if (context.outputGone.aborted) return EXIT.brokenPipe;
    return fail(context, error, argv);
  }
}

function fail({ stderr }: Context, error: unknown, argv: readonly string[]): number {
  const format = formatAskedFor(argv);
  if (!(error instanceof CommanderError)) {
    printFailure(stderr, error, format);
    return exitCodeOf(error);
  }
  // Help or version was requested and printed.
  if (error.exitCode === 0) return EXIT.ok;
  // Without a command, commander has printed help already.
  if (error.code !== 'commander.help') {
    const message = error.message.replace(/^error: /, '');
    const hint = format === undefined ? ' (see `holdfast --help`)' : '';
    printFailure(stderr, new Error(message + hint), format);
  }
  return EXIT.usage;
}

function contextOf({ stdout, stderr }: Outputs): Context {
  const env = readTerminalEnv();
  const outputGone = new AbortController();
  const onError = (error: NodeJS.ErrnoException): void => {
    // A closed terminal fails with EIO, a closed pipe with EPIPE; in both cases the output has no reader.
    outputGone.abort(error);
  };
  stdout.on('error', onError);
  stderr.on('error', onError);
  return {
    stdout: new Terminal(stdout, env),
    stderr: new Terminal(stderr, env),
    env,
    clock: systemClock,
    outputGone: outputGone.signal,
  };
}
