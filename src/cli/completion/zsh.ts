import { areIds, formsOf, optionPattern, pathPattern, type CommandWords } from './words';

/**
 * A completion script for zsh ≥ 5.
 *
 * @param list - a shell command that prints ids when `sessions`, `workers` or `jobs` is appended
 */
export function zshCompletion(commands: readonly CommandWords[], list: string): string {
  return `#compdef holdfast
# zsh completion for holdfast; load it with: source <(holdfast completion zsh)
_holdfast_ids() {
  local -a ids
  ids=("\${(@f)$(${list} 2>/dev/null)}")
  compadd -a ids
}

_holdfast() {
  local current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}" holdfast_path='' word
  local -a described
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${holdfast_path:+$holdfast_path }$word" in
      (${pathPattern(commands)}) holdfast_path="\${holdfast_path:+$holdfast_path }$word" ;;
    esac
  done
  case "$holdfast_path:$previous" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$holdfast_path" in
${commands.map(wordCase).join('\n')}
  esac
  _describe 'holdfast' described
}

(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _holdfast holdfast
`;
}

function valueCases({ path, options }: CommandWords): string[] {
  return options.flatMap(option => {
    if (option.value === null) return [];
    const reply =
      option.value === 'files'
        ? '_files'
        : typeof option.value === 'string'
          ? ':'
          : `compadd -- ${option.value.join(' ')}`;
    return [`    (${optionPattern(path, option)}) ${reply}; return ;;`];
  });
}

function wordCase({ path, subcommands, options, argument }: CommandWords): string {
  const described = [
    ...(typeof argument === 'string' ? [] : argument.map(word => entry(word, ''))),
    ...subcommands.map(({ word, help }) => entry(word, help)),
    ...options.flatMap(option => formsOf(option).map(form => entry(form, option.help))),
  ].join(' ');
  const ids = areIds(argument) ? ` [[ $current == -* ]] || { _holdfast_ids ${argument}; return };` : '';
  return `    ('${path}')${ids} described=(${described}) ;;`;
}

/* `word:help`, for _describe. */
const entry = (word: string, help: string): string =>
  `'${word.replaceAll(':', '\\:')}:${help.replaceAll("'", "'\\''")}'`;
