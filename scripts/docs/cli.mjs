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

\`holdfast\` runs the service on this machine, and works with the sessions of a service anywhere. \`holdfast help <command>\` shows what is
below.

- **Where the service is**: \`--url\` or \`HOLDFAST_URL\`, else this machine at \`HOLDFAST_PORT\` (and \`HOLDFAST_HOST\`), by default \`http://127.0.0.1:3000\`; the
  key: \`HOLDFAST_API_KEY\` or \`--api-key\`. It is reached through the client library, with its retries: a create that is repeated makes no second browser.
- **Which one**: a session is named by its id, by the beginning of it (four characters or more), or by its name; a worker by id or host; a job in
  quarantine by id. A whole id goes before a name, a name before a beginning, and what has not ended before what has; of those that have ended the newest 1,000
  are looked through. Where several fit, nothing is done: they are listed, and the exit code is 2. Many sessions at once are only ever selected by labels.
- **Output**: results go to stdout, everything else to stderr. \`-o table\` is for people; \`json\` is one document, as the API answers it;
  \`ndjson\` is a line for each thing; \`name\` is the ids alone, where there are ids. In a terminal a table is no wider than that: ids are shortened as far as
  they stay apart, then texts are cut; \`wide\` shows all of it. Through a pipe nothing is shortened. What follows a stream has no end, so that \`json\` prints lines there
  too. Colours and progress are for terminals only; \`NO_COLOR\` switches colours off.
- **Durations** are \`500ms\`, \`30s\`, \`10m\`, \`2h\`, \`1d\`, several in a row (\`1h30m\`) or plain milliseconds.
- **Errors** are one line, \`holdfast: <message> (<code>, request <id>)\`; with \`-o json\` and \`-o ndjson\` a line of JSON,
  \`{"error":{"code", "message", "requestId"}}\`. The codes are those of [the API](api.md#errors) and of the client library.
- **Ctrl-C** while \`sessions create\` waits releases what was created, unless \`--keep\` or \`--idempotency-key\` is given. So does a \`--wait\` that is
  over. A second Ctrl-C does not wait for that.
- **Completion**: \`source <(holdfast completion bash)\` (zsh and fish likewise), in the start-up file of your shell. It completes ids of
  sessions, workers and jobs too, asking the service for no longer than a second.
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
