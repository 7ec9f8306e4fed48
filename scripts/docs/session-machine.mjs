import { toDirectedGraph } from 'xstate/graph';

/* Makes docs/session-machine.md from the machine: the arrows from its graph, their consequences from its steps. */

const T0 = 1_700_000_000_000;
const FINAL_ROW = '**final**: absorbs every event';

/** The arrows, innermost states first written: `{from, event, guard, update, to}` with leaf states. */
function arrowsOf(node, labelOf, inherited = []) {
  const own = node.edges.map(({ label, transition, target }) => ({
    event: label.text,
    guard: transition.guard === undefined ? null : labelOf(transition.guard),
    update: transition.actions.length === 0 ? null : labelOf(transition.actions[0]),
    // Without a target the state stays as it is, and so does its inner state.
    to: target === node.stateNode ? null : target.key,
  }));
  const all = [...own, ...inherited];
  return node.children.length === 0
    ? all.map(arrow => ({ from: node.stateNode.key, ...arrow, to: arrow.to ?? node.stateNode.key }))
    : node.children.flatMap(child => arrowsOf(child, labelOf, all));
}

function leavesOf(node) {
  return node.children.length === 0 ? [node.stateNode] : node.children.flatMap(leavesOf);
}

/** The events that a walk over all states offers: one of each type, time-outs at their deadlines. */
function eventsFor(context) {
  const nowMs = T0 + 1_000;
  // A session without an idle time-out gets none later on this walk.
  const idleTimeoutMs = context.limits.idleTimeoutMs === null ? null : 90_000;
  const claim = { nowMs, workerId: 'w', claimId: 'c' };
  const timeouts = Object.entries(context.deadlines).map(([kind, deadlineMs]) => ({
    type: 'TIMEOUT',
    kind,
    deadlineMs,
    nowMs: deadlineMs,
    activity: { lastActivityMs: null, attachedAtMs: null, presentAtMs: null },
  }));
  return [
    { type: 'CLAIM', ...claim },
    { type: 'BROWSER_READY', nowMs, endpoint: {} },
    { type: 'LAUNCH_FAILED', nowMs, message: '' },
    { type: 'MOUNT_FAILED', nowMs, message: '' },
    { type: 'BROWSER_GONE', nowMs, cause: 'client_closed_browser', message: '' },
    { type: 'BROWSER_GONE', nowMs, cause: 'browser_crashed', message: '' },
    { type: 'ADOPT', ...claim },
    { type: 'WORKER_LOST', nowMs, fence: { n: 1, claimId: 'c' } },
    { type: 'UPDATE', nowMs, change: { timeoutMs: 400_000, idleTimeoutMs } },
    { type: 'DOWNLOADS_CUT', nowMs },
    { type: 'CONTEXT_SAVE', nowMs, save: {} },
    { type: 'UPLOADS_CUT', nowMs },
    { type: 'RELEASE', nowMs, reason: 'released_by_client' },
    ...timeouts,
  ];
}

const leafOf = ({ value }) => (typeof value === 'string' ? value : Object.values(value)[0]);

/** All steps from all states that can be reached, with these limits; adoptions end at the third fence. */
function walk({ firstStep, step }, limits) {
  const input = { tenant: 't', id: 'i', name: null, labels: {}, limits, nowMs: T0 };
  const first = firstStep(input);
  const seen = new Set();
  const steps = [];
  const open = [first.snapshot];
  for (let before = open.pop(); before !== undefined; before = open.pop()) {
    const key = JSON.stringify(before);
    if (seen.has(key) || before.context.fenceN > 3) continue;
    seen.add(key);
    for (const event of eventsFor(before.context)) {
      const taken = step(before, event);
      if (!taken.accepted) continue;
      steps.push({ before, event, ...taken });
      open.push(taken.snapshot);
    }
  }
  return { first, steps };
}

function describeEffect(effect) {
  return effect.kind.startsWith('timer.') ? `\`${effect.kind}\` ${effect.timer}` : `\`${effect.kind}\``;
}

const list = items => [...new Set(items)].join(', ') || '–';

const cell = text => text.replaceAll('|', '\\|');
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.map(cell).join(' | ')} |`).join('\n');

function diagram(arrows, leaves) {
  const label = ({ event, guard }) => (guard === null ? event : `${event} [${guard}]`);
  const pairs = new Map();
  for (const arrow of arrows) {
    const pair = `${arrow.from} --> ${arrow.to}`;
    pairs.set(pair, [...(pairs.get(pair) ?? []), label(arrow)]);
  }
  const lines = [...pairs].map(([pair, labels]) => `  ${pair}: ${labels.join('<br/>')}`);
  const finals = leaves.filter(({ type }) => type === 'final').map(({ key }) => `  ${key} --> [*]`);
  const inner = leaves.filter(({ parent }) => parent.key === 'created').map(({ key }) => `    ${key}`);
  return [
    'stateDiagram-v2',
    '  [*] --> queued',
    '  state created {',
    ...inner,
    '  }',
    ...lines,
    ...finals,
  ].join('\n');
}

function decisions(arrows, leaves, eventTypes) {
  return table(
    ['', ...leaves.map(({ key }) => `\`${key}\``)],
    eventTypes.map(type => [
      `\`${type}\``,
      ...leaves.map(({ key }) => {
        const targets = arrows
          .filter(({ from, event }) => from === key && event === type)
          .map(({ to }) => to);
        return targets.length === 0 ? 'ignored' : list(targets);
      }),
    ]),
  );
}

function arrowTable(arrows, { steps }) {
  return table(
    ['from', 'event', 'if', 'to', 'update', 'effects'],
    arrows.map(({ from, event, guard, to, update }) => {
      const taken = steps.filter(
        ({ before, event: { type }, snapshot }) =>
          leafOf(before) === from && type === event && leafOf(snapshot) === to,
      );
      if (taken.length === 0) throw new Error(`no walk takes ${from} --${event}--> ${to}`);
      const effects = taken.flatMap(({ effects }) => effects.map(describeEffect));
      return [`\`${from}\``, `\`${event}\``, guard ?? '–', `\`${to}\``, update ?? '–', list(effects)];
    }),
  );
}

function timerTable(leaves, all, none) {
  const timersIn = ({ first, steps }, key) => {
    const snapshots = [first.snapshot, ...steps.map(({ snapshot }) => snapshot)];
    return new Set(
      snapshots
        .filter(found => leafOf(found) === key)
        .flatMap(({ context }) => Object.keys(context.deadlines)),
    );
  };
  return table(
    ['state', 'armed', 'armed if it was set'],
    leaves.map(({ key, type }) => {
      const always = timersIn(none, key);
      const perhaps = [...timersIn(all, key)].filter(timer => !always.has(timer));
      return [`\`${key}\``, type === 'final' ? FINAL_ROW : list(always), list(perhaps)];
    }),
  );
}

/**
 * The page as Markdown.
 *
 * @param machines - the compiled modules: `sessionMachine`, `SESSION_EVENT_TYPES`, `labelOf`, `firstStep`, `step`
 */
export function renderSessionMachine(machines) {
  const graph = toDirectedGraph(machines.sessionMachine);
  const arrows = arrowsOf(graph, machines.labelOf);
  const leaves = leavesOf(graph);
  const limits = {
    timeoutMs: 300_000,
    queueTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    connectTimeoutMs: 45_000,
    disconnectTimeoutMs: 50_000,
  };
  const all = walk(machines, limits);
  const without = { idleTimeoutMs: null, connectTimeoutMs: null, disconnectTimeoutMs: null };
  const none = walk(machines, { ...limits, ...without });
  return `# The session machine

<!-- Generated from machines/session by \`npm run docs\`. Do not edit. -->

Callers see a session as \`created\`, \`live\`, \`released\`, \`failed\` or \`timed_out\`. \`queued\` and \`launching\` are
internal states of \`created\`.

\`\`\`mermaid
${diagram(arrows, leaves)}
\`\`\`

## What every state does with every event

An event that a state ignores changes nothing and is not committed. If a cell has several targets, guards decide.

${decisions(arrows, leaves, machines.SESSION_EVENT_TYPES)}

## Arrows

If several arrows leave a state on one event, the first one whose condition holds is taken. The timers \`idle\`,
\`connect\` and \`disconnect\` are armed and cancelled only if the session has these time-outs.

${arrowTable(arrows, all)}

## Timers

A deadline is armed when its state is entered and cancelled when the state is left. \`UPDATE\` moves it, and may add or
remove the idle deadline. \`disconnect\` is armed at the creation of a session that a connection creates, and stays until
its end.

${timerTable(leaves, all, none)}
`;
}
