import { BROWSERS_ROW } from './browsers-row';
import { lines, stat, type Dashboard, type Row } from './panel';
import { EVENT_LOOP_LAG, WINDOW, cluster, increase, rate } from './promql';

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
  rows: [state, capacity, BROWSERS_ROW, clients, processes],
};
