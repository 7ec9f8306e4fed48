import { createRequire } from 'node:module';
import type { Command } from 'commander';
import type * as DoctorModule from '../../supervisor/doctor';
import type { Finding } from '../../supervisor/doctor-checks';
import type * as Supervisor from '../../supervisor/main';
import type * as PrepareModule from '../../supervisor/prepare-machine';
import type { Mode } from '../../supervisor/roles';
import type { Context } from '../context';
import { EXIT, ReportedFailure } from '../exit-codes';
import { example, formatted, NAMELESS } from '../options';
import type { Format } from '../output';

/**
 * Redis, BullMQ and the like take longer to load than most commands to run, so only commands that run a process load
 * them.
 */
const load = createRequire(__filename);

const MODES: readonly (readonly [Mode, string])[] = [
  ['start', 'Runs Redis (unless REDIS_URL is set), API, keeper and worker on this machine, until Ctrl-C.'],
  ['api', 'Runs the API alone; needs REDIS_URL.'],
  ['worker', 'Runs keeper and worker; needs REDIS_URL.'],
];

/**
 * `holdfast start`, `api`, `worker` and `doctor`: the processes of this machine. Their settings come from the
 * environment.
 */
export function registerProcesses(program: Command, context: Context): void {
  program.commandsGroup('Commands for this machine:');
  for (const [mode, description] of MODES) {
    example(program.command(mode).description(description), `HOLDFAST_PORT=3001 holdfast ${mode}`).action(
      async () => {
        if (mode === 'start') await prepare();
        // SAFETY: this is the module of that name.
        const { supervise } = load('../../supervisor/main') as typeof Supervisor;
        // All children have ended; handles that are still open must not keep a drained process alive.
        process.exit(await supervise(mode));
      },
    );
  }
  registerDoctor(program, context);
}

async function prepare(): Promise<void> {
  // SAFETY: this is the module of that name.
  const { prepareMachine } = load('../../supervisor/prepare-machine') as typeof PrepareModule;
  if (!(await prepareMachine())) throw new ReportedFailure(EXIT.failed);
}

function registerDoctor(program: Command, { stdout }: Context): void {
  const command = program
    .command('doctor')
    .description('Checks everything that Holdfast needs on this machine.');
  example(
    formatted(command, NAMELESS),
    'holdfast doctor',
    'holdfast doctor --json | jq \'.findings[] | select(.mark != "ok")\'',
  ).action(async ({ output }: { readonly output: Format }) => {
    // SAFETY: this is the module of that name.
    const { doctor } = load('../../supervisor/doctor') as typeof DoctorModule;
    const findings: Finding[] = [];
    const isHealthy = await doctor(finding => {
      findings.push(finding);
      // The checks take seconds, so a table prints each finding as it comes.
      if (output === 'table') for (const line of linesOf(finding)) stdout.line(line);
      else if (output === 'ndjson') stdout.line(JSON.stringify(finding));
    });
    if (output === 'json') stdout.line(JSON.stringify({ healthy: isHealthy, findings }, null, 2));
    if (!isHealthy) throw new ReportedFailure(EXIT.failed);
  });
}

const MARKS = { ok: '✓', note: '!', bad: '✗' } as const;

const linesOf = ({ mark, text, advice = [] }: Finding): string[] => [
  `${MARKS[mark]} ${text}`,
  ...advice.map(line => `    ${line}`),
];
