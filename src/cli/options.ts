import { InvalidArgumentError, Option, type Command } from 'commander';
import { DURATION_FORMS, parseDuration } from './durations';
import type { Format } from './output';

/** How to reach the service. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly apiKey?: string;
  /** Milliseconds. */
  readonly requestTimeout?: number;
  readonly retries?: number;
}

/** The options of every command that calls the service. */
export interface RemoteOptions extends ConnectionOptions {
  readonly output: Format;
}

const LISTS: readonly Format[] = ['table', 'wide', 'json', 'ndjson', 'name'];

/** The formats for results without ids. */
export const NAMELESS: readonly Format[] = ['table', 'json', 'ndjson'];

/** Gives a command the options of {@link RemoteOptions}. */
export const remote = (command: Command, formats: readonly Format[] = LISTS): Command =>
  connection(formatted(command, formats));

/** Gives a command the options of {@link ConnectionOptions}. */
export function connection(command: Command): Command {
  return command
    .optionsGroup('Connection:')
    .option(
      '--url <url>',
      'the URL of the service (default: HOLDFAST_URL, else this machine at HOLDFAST_PORT or 3000)',
    )
    .option(
      '--api-key <key>',
      'the API key; other users of this machine can read arguments, so prefer HOLDFAST_API_KEY',
    )
    .option('--request-timeout <duration>', 'how long a request may take (60s)', duration)
    .option('--retries <n>', 'how often a request is retried (2)', wholeNumber(0, 100));
}

/** Gives a command a choice of formats. */
export function formatted(command: Command, formats: readonly Format[] = LISTS): Command {
  return command
    .optionsGroup('Output:')
    .addOption(
      new Option('-o, --output <format>', 'the format of the output')
        .choices(formats)
        .default('table' satisfies Format),
    )
    .addOption(new Option('--json', 'the same as -o json').implies({ output: 'json' satisfies Format }));
}

/** A duration as an option's value → milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  throw new InvalidArgumentError(`It is not a duration: use ${DURATION_FORMS}.`);
}

/** The same, or `off`. Not null, which commander would take for a missing value. */
export const durationOrOff = (text: string): DurationOrOff => (text === 'off' ? text : duration(text));

/** Milliseconds, or `off` for none. */
export type DurationOrOff = number | 'off';

/** The form of the API, where null means none. */
export const orNull = (value: DurationOrOff): number | null => (value === 'off' ? null : value);

/**
 * A label selector, which the service parses. An empty one is refused here: it comes from a variable that is not set.
 */
export function labelSelector(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It is empty. Is a variable not set?');
}

/** A whole number within limits. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A number above zero. */
export function positiveNumber(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
  if (value > 0) return value;
  throw new InvalidArgumentError('It must be a number above zero.');
}

/** A time, or a duration before now → ISO 8601. */
export function momentBefore(nowMs: () => number): (text: string) => string {
  return text => {
    const ago = parseDuration(text);
    const ms = ago === null ? Date.parse(text) : nowMs() - ago;
    if (!Number.isNaN(ms)) return new Date(ms).toISOString();
    throw new InvalidArgumentError(
      `It is not a time: use 2030-01-31T12:00:00Z, or how long ago it was, such as 10m.`,
    );
  };
}

/** `name=value`, which may be given several times → the labels. */
export function label(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const equals = text.indexOf('=');
  if (equals > 0) return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
  throw new InvalidArgumentError('It must be name=value.');
}

/** As {@link label}; `name-` removes one → null. */
export function labelChange(
  text: string,
  before: Readonly<Record<string, string | null>> = {},
): Readonly<Record<string, string | null>> {
  const removed = /^([^=]+)-$/.exec(text)?.[1];
  return removed === undefined ? { ...before, ...label(text) } : { ...before, [removed]: null };
}

const examples = new WeakMap<Command, readonly string[]>();

/** Adds examples to a command's help; each is a whole line for a shell. */
export function example(command: Command, ...lines: readonly string[]): Command {
  examples.set(command, lines);
  const heading = lines.length === 1 ? 'Example:' : 'Examples:';
  return command.addHelpText('after', `\n${heading}\n${lines.map(line => `  $ ${line}`).join('\n')}`);
}

/** The examples of a command, for the documentation. */
export const examplesOf = (command: Command): readonly string[] => examples.get(command) ?? [];
