import type { Argument, Command, Option } from 'commander';

/** Placeholder for values that only the service or the file system knows. */
export type Dynamic = IdKind | 'files' | 'none';

/** The groups of commands that take ids, each with a `list -o name`. */
const ID_KINDS = ['sessions', 'contexts', 'workers', 'jobs'] as const;

/** @see ID_KINDS */
type IdKind = (typeof ID_KINDS)[number];

/** The possible values: these words, or a placeholder. */
export type Values = readonly string[] | Dynamic;

/** The possible words after a command. */
export interface CommandWords {
  /** The words after `holdfast`, with blanks between; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly Word[];
  readonly options: readonly OptionWord[];
  /** The possible values of its arguments. */
  readonly argument: Values;
}

/** A word and its help. */
export interface Word {
  readonly word: string;
  readonly help: string;
}

/** An option, in its long and perhaps a short form. */
export interface OptionWord {
  readonly long: string;
  readonly short: string | null;
  readonly help: string;
  /** The possible values; null: it takes none. */
  readonly value: Values | null;
}

/** Every command of a program, itself first, with the possible words after it. */
export function wordsOf(program: Command, path: readonly string[] = []): CommandWords[] {
  const help = program.createHelp();
  const subcommands = help.visibleCommands(program).filter(command => command.name() !== 'help');
  const own: CommandWords = {
    path: path.join(' '),
    subcommands: subcommands.map(command => ({
      word: command.name(),
      help: firstSentence(command.summary() || command.description()),
    })),
    options: help.visibleOptions(program).flatMap(optionWord),
    argument: valuesOf(program.registeredArguments[0], path[0]),
  };
  const deeper = subcommands.flatMap(command =>
    [command.name(), ...command.aliases()].flatMap(name => wordsOf(command, [...path, name])),
  );
  return [own, ...deeper];
}

function optionWord(option: Option): OptionWord[] {
  const { long, short, description, argChoices, required, optional } = option;
  if (long === undefined || long === null) return [];
  const takesValue = required || optional;
  const value = takesValue ? (argChoices ?? (/-file$/.test(long) ? 'files' : 'none')) : null;
  return [{ long, short: short ?? null, help: description, value }];
}

function valuesOf(argument: Argument | undefined, group: string | undefined): Values {
  if (argument?.argChoices !== undefined) return argument.argChoices;
  if (argument?.name() !== 'id') return 'none';
  return ID_KINDS.find(kind => kind === group) ?? 'none';
}

/** Whether the values are ids, which the service knows. */
export const areIds = (values: Values): values is IdKind => ID_KINDS.some(kind => kind === values);

const firstSentence = (text: string): string => text.split(/[.;:\n]/)[0] ?? '';

/** The forms of an option. */
export const formsOf = ({ long, short }: OptionWord): string[] => (short === null ? [long] : [long, short]);

/** The paths of all commands, as a pattern of a shell's `case`. */
export const pathPattern = (commands: readonly CommandWords[]): string =>
  commands
    .filter(({ path }) => path !== '')
    .map(({ path }) => `'${path}'`)
    .join('|');

/** A command with an option, in each form of the option, as a pattern of a shell's `case`. */
export const optionPattern = (path: string, option: OptionWord): string =>
  formsOf(option)
    .map(form => `'${path}:${form}'`)
    .join('|');
