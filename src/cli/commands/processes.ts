import { createRequire } from 'node:module';
import type { Command } from 'commander';
import type * as Doctor from '../../supervisor/doctor';
import type * as Supervisor from '../../supervisor/main';
import type { Mode } from '../../supervisor/roles';
import { example } from '../options';

/** Redis, BullMQ and their like take longer to load than most commands to run: only who runs a process loads them. */
const load = createRequire(__filename);

const MODES: readonly (readonly [Mode, string])[] = [
  ['start', 'Runs Redis (unless REDIS_URL is set), API, keeper and worker on this machine, until Ctrl-C.'],
  ['api', 'Runs the API alone; needs REDIS_URL.'],
  ['worker', 'Runs keeper and worker; needs REDIS_URL.'],
];

/** `holdfast start`, `api`, `worker` and `doctor`: what runs here. Their settings come from the environment. */
export function registerProcesses(program: Command): void {
  program.commandsGroup('On this machine:');
  for (const [mode, description] of MODES) {
    example(program.command(mode).description(description), `HOLDFAST_PORT=3001 holdfast ${mode}`).action(
      async () => {
        // SAFETY: this is the module of that name.
        const { supervise } = load('../../supervisor/main') as typeof Supervisor;
        // All of ours has ended; what may still be open must not keep a drained process.
        process.exit(await supervise(mode));
      },
    );
  }
  const doctor = program
    .command('doctor')
    .description('Looks at everything that Holdfast needs on this machine.');
  example(doctor, 'holdfast doctor').action(async () => {
    // SAFETY: this is the module of that name.
    const { doctor: examine } = load('../../supervisor/doctor') as typeof Doctor;
    process.exit(await examine());
  });
}
