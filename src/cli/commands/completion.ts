import { Argument, type Command } from 'commander';
import { bashCompletion } from '../completion/bash';
import { fishCompletion } from '../completion/fish';
import { wordsOf } from '../completion/words';
import { zshCompletion } from '../completion/zsh';
import type { Context } from '../context';
import { example } from '../options';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** Completion must not make the user wait: one attempt with a short time-out. */
const LIST_IDS = 'holdfast "$1" list -o name --request-timeout 1s --retries 0';

/** `holdfast completion`. */
export function registerCompletion(program: Command, { stdout }: Context): void {
  const command = program
    .command('completion')
    .summary('Prints a completion script for your shell.')
    .description(
      'Prints a script that completes commands, options and the ids of sessions, workers and jobs when you press Tab.',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SHELLS)));
  example(
    command,
    'source <(holdfast completion bash)',
    'holdfast completion fish > ~/.config/fish/completions/holdfast.fish',
  ).action((shell: keyof typeof SHELLS) => stdout.raw(SHELLS[shell](wordsOf(program), LIST_IDS)));
}
