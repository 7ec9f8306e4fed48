import { lines, stat, type Dashboard, type Row } from './panel';
import { EVENT_LOOP_LAG, WINDOW, cluster, increase, quantile, rate } from './promql';

const state: Row = {
  title: 'State',
  panels: [
    stat({
      title: 'Workers alive',
      description: 'Workers whose lease has not lapsed.',
      unit: 'short',
      expr: cluster('holdfast_workers{state="alive"}'),
      thresholds: { bad: 1, below: true },
    }),
    stat({
      title: 'Workers lost',
      description: 'Workers whose lease has lapsed and whose sessions are not failed yet. Normally 0.',
      unit: 'short',
      expr: cluster('holdfast_workers{state="lost"}'),
      thresholds: { bad: 1 },
    }),
    stat({
      title: 'Slots free',
      description: 'How many sessions could get a browser now.',
      unit: 'short',
      expr: cluster('holdfast_slots{state="free"}'),
      thresholds: { bad: 1, below: true },
    }),
  ],
};

const capacity: Row = {
  title: 'Capacity',
  panels: [
    lines({
      title: 'Slots of the installation',
      description: 'Slots of all workers that are alive.',
      unit: 'short',
      queries: [{ expr: cluster('holdfast_slots', 'state'), legend: '{{state}}' }],
    }),
    lines({
      title: 'Slots used by worker',
      description: 'A worker that stays at 0 while others are full takes no jobs.',
      unit: 'short',
      queries: [
        { expr: 'sum by (instance) (holdfast_worker_slots{state="used"})', legend: '{{instance}}' },
        {
          expr: 'sum by (instance) (holdfast_worker_slots{state="draining"})',
          legend: '{{instance}} draining',
        },
      ],
    }),
    lines({
      title: 'Since the last heartbeat',
      description: 'Leases are renewed every 2 s and lapse after 10 s.',
      unit: 's',
      queries: [
        {
          expr: 'time() - max by (instance) (holdfast_worker_heartbeat_timestamp_seconds)',
          legend: '{{instance}}',
        },
      ],
      thresholds: { warn: 5, bad: 10 },
    }),
  ],
};

const browsers: Row = {
  title: 'Browsers',
  panels: [
    lines({
      title: 'Launches by result',
      description: '`cancelled`: the session ended first.',
      unit: 'ops',
      stacked: true,
      queries: [
        { expr: rate('holdfast_browser_launch_duration_seconds_count', 'result'), legend: '{{result}}' },
      ],
    }),
    lines({
      title: 'Launches, warm and cold',
      description: '`warm`: the browser was ready before its session.',
      unit: 'ops',
      stacked: true,
      queries: [{ expr: rate('holdfast_browser_launches_total', 'start'), legend: '{{start}}' }],
    }),
    lines({
      title: 'Warm browsers',
      description: 'Browsers that are ready, by worker; those that were ended without a session, by cause.',
      unit: 'short',
      queries: [
        { expr: 'sum by (instance) (holdfast_worker_slots{state="warm"})', legend: '{{instance}}' },
        { expr: increase('holdfast_warm_browsers_ended_total', 'cause'), legend: 'ended: {{cause}}' },
      ],
    }),
    lines({
      title: 'Launch, p95',
      description: 'Time from the order to the keeper until the browser is ready for its client.',
      unit: 's',
      queries: [
        {
          expr: quantile(0.95, 'holdfast_browser_launch_duration_seconds', '{result="ready"}', 'instance'),
          legend: '{{instance}}',
        },
      ],
      thresholds: { warn: 2, bad: 5 },
    }),
    lines({
      title: 'Crashed',
      description: 'Sessions whose browser crashed, hung or reached a limit.',
      unit: 'short',
      queries: [
        {
          expr: increase(
            'holdfast_sessions_ended_total{reason=~"browser_crashed|browser_unresponsive|resource_limit"}',
            'reason',
          ),
          legend: '{{reason}}',
        },
      ],
    }),
    lines({
      title: 'Browser processes',
      description: 'Of all workers. Linux only.',
      unit: 'short',
      queries: [{ expr: 'sum by (instance) (holdfast_browser_processes)', legend: '{{instance}}' }],
    }),
    lines({
      title: 'Browser memory',
      description: 'Resident; shared pages count once for each process. Linux only.',
      unit: 'bytes',
      queries: [
        { expr: 'sum by (instance) (holdfast_browser_resident_memory_bytes)', legend: '{{instance}}' },
      ],
    }),
    lines({
      title: 'Memory short',
      description:
        '1 while launches wait because memory is short. More than a moment: fewer slots, or more memory.',
      unit: 'short',
      queries: [{ expr: 'sum by (instance) (holdfast_worker_memory_short)', legend: '{{instance}}' }],
    }),
    lines({
      title: 'Browser CPU',
      description: 'Cores that browsers use, sampled every 10 s. Linux only.',
      unit: 'short',
      queries: [{ expr: rate('holdfast_browser_cpu_seconds_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Orphans reaped',
      description:
        'Browsers without a session that keepers have ended. Normally 0, except after a process was killed.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_orphans_reaped_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Downloads cut',
      description: 'Sessions had used up their quota (`HOLDFAST_DOWNLOADS_MAX_BYTES`).',
      unit: 'short',
      queries: [{ expr: increase('holdfast_downloads_cut_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Uploads cut',
      description: 'Sessions had used up their quota (`HOLDFAST_UPLOADS_MAX_BYTES`).',
      unit: 'short',
      queries: [{ expr: increase('holdfast_uploads_cut_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Egress',
      description: 'What browsers send and receive through their forward proxies.',
      unit: 'Bps',
      queries: [
        {
          expr: rate('holdfast_egress_bytes_total', 'instance, direction'),
          legend: '{{instance}} {{direction}}',
        },
      ],
    }),
    lines({
      title: 'Egress refused',
      description: 'Requests of browsers that `HOLDFAST_EGRESS` or their sessions do not permit.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_egress_refused_total', 'instance'), legend: '{{instance}}' }],
    }),
    lines({
      title: 'Keepers registered with',
      description: 'One at each start of a worker, and one after each lost keeper.',
      unit: 'short',
      queries: [
        { expr: increase('holdfast_keeper_registrations_total', 'instance'), legend: '{{instance}}' },
      ],
    }),
  ],
};

const clients: Row = {
  title: 'Clients',
  panels: [
    lines({
      title: 'CDP clients',
      description:
        'Clients of APIs, and connections through keepers for APIs on other machines. APIs count these clients too.',
      unit: 'short',
      queries: [
        { expr: 'sum(holdfast_cdp_connections)', legend: 'APIs' },
        { expr: 'sum(holdfast_keeper_gateway_connections)', legend: 'keepers' },
        { expr: 'sum(holdfast_event_streams)', legend: 'event streams' },
      ],
    }),
    lines({
      title: 'CDP traffic',
      description: 'Bytes forwarded for clients.',
      unit: 'Bps',
      queries: [{ expr: rate('holdfast_cdp_bytes_total', 'direction'), legend: '{{direction}}' }],
    }),
    lines({
      title: 'Clients cut',
      description: 'CDP clients that were disconnected because they did not read the data of their browser.',
      unit: 'short',
      queries: [{ expr: increase('holdfast_cdp_clients_cut_total'), legend: 'clients' }],
    }),
    lines({
      title: 'Upgrades refused',
      description: 'By error code. `session_ended`: the client reconnects too late.',
      unit: 'short',
      queries: [
        {
          expr: `${increase('holdfast_cdp_upgrade_failures_total', 'code')} > 0 or vector(0)`,
          legend: '{{code}}',
        },
      ],
    }),
  ],
};

const processes: Row = {
  title: 'Service processes',
  panels: [
    lines({
      title: 'CPU',
      description: 'Cores that API and worker processes use.',
      unit: 'short',
      queries: [
        { expr: rate('holdfast_process_cpu_seconds_total', 'job, instance'), legend: '{{job}} {{instance}}' },
      ],
    }),
    lines({
      title: 'Memory',
      description: 'Resident memory of API and worker processes.',
      unit: 'bytes',
      queries: [
        {
          expr: 'sum by (job, instance) (holdfast_process_resident_memory_bytes)',
          legend: '{{job}} {{instance}}',
        },
      ],
    }),
    lines({
      title: 'Event loop lag, p99',
      description: 'How long a callback waits until it runs.',
      unit: 's',
      queries: [
        {
          expr: EVENT_LOOP_LAG,
          legend: '{{job}} {{instance}}',
        },
      ],
      thresholds: { warn: 0.1, bad: 0.5 },
    }),
    lines({
      title: 'Restarts',
      description: 'Processes that were started within the window.',
      unit: 'short',
      queries: [
        {
          expr: `sum by (job, instance) (changes(holdfast_process_start_time_seconds[${WINDOW}]))`,
          legend: '{{job}} {{instance}}',
        },
      ],
    }),
    lines({
      title: 'Versions',
      description: 'Processes by version. There is more than one line during an upgrade.',
      unit: 'short',
      queries: [
        { expr: 'sum by (version, node) (holdfast_build_info)', legend: '{{version}} on Node {{node}}' },
      ],
    }),
  ],
};

/** The dashboard of workers: machines, browsers, clients, and what they cost. */
export const WORKERS_DASHBOARD: Dashboard = {
  uid: 'holdfast-workers',
  title: 'Holdfast / Workers and browsers',
  description: 'Workers, browsers and clients, and the resources that they use.',
  rows: [state, capacity, browsers, clients, processes],
};
