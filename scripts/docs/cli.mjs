/** Makes docs/cli.md: every command with its options, from the tree of commands. */
export function renderCli({ buildProgram, examplesOf, EXIT, EXIT_MEANINGS }) {
  // No command runs, so the parts that commands work with are not needed.
  const commands = commandsOf(buildProgram({}, ''));
  return [
    INTRODUCTION,
    '## Exit codes\n',
    '| code | |\n| --- | --- |',
    ...Object.entries(EXIT).map(([name, code]) => `| ${code} | ${EXIT_MEANINGS[name]} |`),
    '',
    ...connectionOptions(commands),
    ...commands.flatMap(([path, command]) => section(path, command, examplesOf(command))),
  ].join('\n');
}

const INTRODUCTION = `# The command line

<!-- Made by \`npm run docs\` from src/cli. -->

\`holdfast\` runs the service on this machine, and works with the sessions of a service on any machine.
\`holdfast help <command>\` shows what is below.

- **The service** is at \`--url\` or \`HOLDFAST_URL\`, else on this machine at \`HOLDFAST_PORT\` (and \`HOLDFAST_HOST\`), by
  default \`http://127.0.0.1:3000\`. The key is in \`HOLDFAST_API_KEY\` or \`--api-key\`. Commands use the client library,
  with its retries: a repeated create makes no second browser.
- **Sessions, workers, jobs.** Name a session by its id, by the beginning of its id (four characters or more), or by its
  name; a worker by id or host; a job in quarantine by id. A complete id is tried first, then a name, then the
  beginning of an id. Sessions that have not ended are tried before the newest 1,000 that have ended. If several match,
  nothing is done: the command lists them and exits with code 2. Select many sessions at once only by labels.
- **Output.** Results go to stdout, everything else to stderr. \`-o table\` is for people. \`json\` is one document, as the
  API answers it. \`ndjson\` is one line for each item. \`name\` is only the ids, where there are ids. In a terminal a
  table is no wider than the terminal: ids are shortened as long as they stay unique, then texts are cut. \`wide\` does
  not shorten. Through a pipe nothing is shortened. Commands that follow a stream have no end, so \`json\` prints lines
  there too. Colours and progress are for terminals only; \`NO_COLOR\` switches colours off.
- **Durations** are \`500ms\`, \`30s\`, \`10m\`, \`2h\`, \`1d\`, several in a row (\`1h30m\`) or plain milliseconds.
- **Errors** are one line, \`holdfast: <message> (<code>, request <id>)\`. With \`-o json\` and \`-o ndjson\` they are a line
  of JSON, \`{"error":{"code", "message", "requestId"}}\`. The codes are those of [the API](api.md#errors) and of the
  client library.
- **Ctrl-C** while \`sessions create\` waits releases the session, unless \`--keep\` or \`--idempotency-key\` is given. The
  end of the time of \`--wait\` does the same. A second Ctrl-C does not wait for the release.
- **Completion.** Put \`source <(holdfast completion bash)\` (also zsh and fish) into the start-up file of your shell. It
  also completes ids of sessions, workers and jobs; it waits at most a second for the service.
`;

/** Commands that have an action, with the words that call them, in the order of the help. */
function commandsOf(command, path = ['holdfast']) {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter(sub => sub.name() !== 'help')
    .flatMap(sub => commandsOf(sub, [...path, sub.name()]));
  return below.length === 0 ? [[path, command]] : below;
}

function section(path, command, examples) {
  const names = command.usage().replace(/\[options\] ?/, '');
  const options = optionsOf(command).filter(({ helpGroupHeading }) => helpGroupHeading !== CONNECTION);
  return [
    `## ${[...path, names]
      .join(' ')
      .trim()
      .replace(/[<>[\]]/g, '\\$&')}\n`,
    `${command.description().replaceAll('\n', ' ')}\n`,
    ...tableOf(options),
    '```sh',
    ...examples,
    '```',
    '',
  ];
}

/* Options that several commands share are described once. */
function connectionOptions(commands) {
  const [, command] = commands.find(([, { options }]) =>
    options.some(({ helpGroupHeading }) => helpGroupHeading === CONNECTION),
  );
  const options = optionsOf(command).filter(({ helpGroupHeading }) => helpGroupHeading === CONNECTION);
  return ['## Options of every command that asks the service\n', ...tableOf(options)];
}

const CONNECTION = 'Connection:';

const optionsOf = command =>
  command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help');

const tableOf = options =>
  options.length === 0
    ? []
    : [
        '| option | |\n| --- | --- |',
        ...options.map(option => `| \`${option.flags}\` | ${helpOf(option)} |`),
        '',
      ];

function helpOf({ description, argChoices, defaultValue }) {
  const facts = [
    ...(argChoices === undefined ? [] : [argChoices.join(', ')]),
    ...(defaultValue === undefined || defaultValue === true ? [] : [`default ${defaultValue}`]),
  ];
  const text = facts.length === 0 ? description : `${description}: ${facts.join('; ')}`;
  return text.replaceAll('<', '\\<').replaceAll('|', '\\|');
}
