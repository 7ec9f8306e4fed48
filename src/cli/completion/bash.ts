import { areIds, formsOf, optionPattern, pathPattern, type CommandWords } from './words';

/**
 * A completion script for bash ≥ 3.2, without the package bash-completion.
 *
 * @param list - a shell command that prints ids when `sessions`, `workers` or `jobs` is appended
 */
export function bashCompletion(commands: readonly CommandWords[], list: string): string {
  return `# bash completion for holdfast; load it with: source <(holdfast completion bash)
_holdfast_ids() {
  ${list} 2>/dev/null
}

_holdfast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  local path='' words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${path:+$path }\${COMP_WORDS[index]}" in
      ${pathPattern(commands)}) path="\${path:+$path }\${COMP_WORDS[index]}" ;;
    esac
  done
  COMPREPLY=()
  case "$path:$previous" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$path" in
${commands.map(wordCase).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}

complete -F _holdfast holdfast
`;
}

/* After an option that takes a value only its values are offered. */
function valueCases({ path, options }: CommandWords): string[] {
  return options.flatMap(option => {
    if (option.value === null) return [];
    const reply =
      option.value === 'files'
        ? 'COMPREPLY=($(compgen -f -- "$current"))'
        : typeof option.value === 'string'
          ? ':'
          : `COMPREPLY=($(compgen -W '${option.value.join(' ')}' -- "$current"))`;
    return [`    ${optionPattern(path, option)}) ${reply}; return ;;`];
  });
}

/* Ids are requested only where an argument may be an id, and not while an option is being typed. */
function wordCase({ path, subcommands, options, argument }: CommandWords): string {
  const named = typeof argument === 'string' ? [] : argument;
  const words = [...named, ...subcommands.map(({ word }) => word), ...options.flatMap(formsOf)].join(' ');
  const ids = areIds(argument) ? `; [[ $current == -* ]] || words="$(_holdfast_ids ${argument})"` : '';
  return `    '${path}') words='${words}'${ids} ;;`;
}
