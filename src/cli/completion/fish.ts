import { areIds, type CommandWords, type OptionWord } from './words';

/**
 * A completion script for fish ≥ 3.
 *
 * @param list - a shell command that prints ids when `sessions`, `workers` or `jobs` is appended
 */
export function fishCompletion(commands: readonly CommandWords[], list: string): string {
  return `# fish completion for holdfast; load it with: holdfast completion fish | source
function __holdfast_at
    set -l path
    for word in (commandline -opc)[2..]
        if contains -- (string join -- ' ' $path $word) ${paths(commands)}
            set -a path $word
        end
    end
    test "$path" = "$argv"
end

function __holdfast_ids
    ${list.replace('"$1"', '$argv[1]')} 2>/dev/null
end

complete -c holdfast -f
${commands.flatMap(linesOf).join('\n')}
`;
}

const paths = (commands: readonly CommandWords[]): string =>
  commands
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(path))
    .join(' ');

function linesOf({ path, subcommands, options, argument }: CommandWords): string[] {
  const at = `complete -c holdfast -n ${quoted(`__holdfast_at ${path}`.trim())}`;
  return [
    ...subcommands.map(({ word, help }) => `${at} -a ${word} -d ${quoted(help)}`),
    ...options.map(option => `${at} ${optionArgs(option)}`),
    ...(areIds(argument) ? [`${at} -a ${quoted(`(__holdfast_ids ${argument})`)}`] : []),
    ...(typeof argument === 'string' ? [] : [`${at} -a ${quoted(argument.join(' '))}`]),
  ];
}

function optionArgs({ long, short, help, value }: OptionWord): string {
  const parts = [`-l ${long.slice(2)}`, ...(short === null ? [] : [`-s ${short.slice(1)}`])];
  if (value === 'files') parts.push('-r -F');
  else if (typeof value === 'string') parts.push('-x');
  else if (value !== null) parts.push(`-x -a ${quoted(value.join(' '))}`);
  return [...parts, `-d ${quoted(help)}`].join(' ');
}

const quoted = (text: string): string => `'${text.replace(/[\\']/g, character => `\\${character}`)}'`;
