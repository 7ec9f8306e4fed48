import { Command } from 'commander';
import { registerCapacity } from './commands/capacity';
import { registerCompletion } from './commands/completion';
import { registerContexts } from './commands/contexts/contexts';
import { registerJobs } from './commands/jobs';
import { registerKeys } from './commands/keys';
import { registerProcesses } from './commands/processes';
import { registerRedisUrl } from './commands/redis-url';
import { registerSessions } from './commands/sessions/sessions';
import { registerTestmuLauncher } from './commands/testmu-launcher';
import { registerTop } from './commands/top';
import { registerUsage } from './commands/usage';
import { registerVersion } from './commands/version';
import { registerWorkers } from './commands/workers';
import type { Context } from './context';

/** The width of help without a terminal, cells. */
const HELP_WIDTH = 100;

/**
 * The tree of all commands. A new group is a file in `commands` and a line here; help, completion and docs/cli.md are
 * made from the tree.
 */
export function buildProgram(context: Context, version: string): Command {
  const program = new Command('holdfast')
    .description('Browser sessions that hold.')
    .version(version, '-V, --version')
    .helpCommand(true);
  quiet(program, context);
  registerProcesses(program, context);
  registerRedisUrl(program, context);
  program.commandsGroup('Commands for a service:');
  registerSessions(program, context);
  registerContexts(program, context);
  registerWorkers(program, context);
  registerJobs(program, context);
  registerKeys(program, context);
  registerCapacity(program, context);
  registerUsage(program, context);
  registerTop(program, context);
  registerTestmuLauncher(program, context);
  program.commandsGroup('Commands for this program:');
  registerCompletion(program, context);
  registerVersion(program, context, version);
  return program;
}

/* Errors are thrown, so that the caller prints them once. */
function quiet(program: Command, { stdout, stderr }: Context): void {
  program.exitOverride().configureOutput({
    writeOut: text => stdout.raw(text),
    writeErr: text => stderr.raw(text),
    getOutHelpWidth: () => stdout.width ?? HELP_WIDTH,
    getErrHelpWidth: () => stderr.width ?? HELP_WIDTH,
    outputError: () => undefined,
  });
}
