import type { Alert } from './alert';
import { EVENT_LOOP_LAG, increase } from './promql';

const LAG = 'holdfast_nodejs_eventloop_lag_p99_seconds';
const WORKER_LOST = 'holdfast_sessions_ended_total{reason="worker_lost"}';

/** Alerts about processes: whether API and worker processes run, and whether they have room. */
export const FLEET_ALERTS: readonly Alert[] = [
  {
    name: 'HoldfastApiDown',
    severity: 'critical',
    expr: 'absent(up{job="holdfast-api"} == 1)',
    for: '30s',
    summary: 'No API answers Prometheus, so other metrics are missing too.',
    proof: {
      at: '5m',
      fires: [{ series: 'up{job="holdfast-api",instance="a"}', values: '1 0x10' }],
      fired: [{ summary: 'No API answers Prometheus, so other metrics are missing too.' }],
      silent: [
        { series: 'up{job="holdfast-api",instance="a"}', values: '1 0x10' },
        { series: 'up{job="holdfast-api",instance="b"}', values: '1x10' },
      ],
    },
  },
  {
    name: 'HoldfastNoWorkers',
    severity: 'critical',
    expr: 'max(holdfast_workers{state="alive"}) == 0',
    for: '30s',
    summary: 'No worker is alive: new sessions are accepted, but wait.',
    proof: {
      at: '5m',
      fires: [{ series: 'holdfast_workers{state="alive"}', values: '1 0x10' }],
      fired: [{ summary: 'No worker is alive: new sessions are accepted, but wait.' }],
      silent: [
        { series: 'holdfast_workers{state="alive"}', values: '1x10' },
        { series: 'holdfast_workers{state="draining"}', values: '0x10' },
      ],
    },
  },
  {
    name: 'HoldfastWorkersLost',
    severity: 'critical',
    expr: `max(holdfast_workers{state="lost"}) > 0 or ${increase(WORKER_LOST, '', '10m')} > 0`,
    summary: 'A worker is lost, and its sessions have failed.',
    proof: {
      at: '5m',
      fires: [
        { series: 'holdfast_workers{state="lost"}', values: '0x10' },
        { series: WORKER_LOST, values: '0 0 4x10' },
      ],
      fired: [{ summary: 'A worker is lost, and its sessions have failed.' }],
      silent: [
        { series: 'holdfast_workers{state="lost"}', values: '0x10' },
        { series: WORKER_LOST, values: '4x10' },
      ],
    },
  },
  {
    name: 'HoldfastLoopBlocked',
    severity: 'warning',
    expr: `${EVENT_LOOP_LAG} > 0.5`,
    for: '2m',
    summary: '{{ $labels.job }} {{ $labels.instance }} answers late: its event loop stands still.',
    proof: {
      at: '6m',
      fires: [{ series: `${LAG}{job="holdfast-api",instance="a"}`, values: '0.1 0.7x10' }],
      fired: [
        {
          labels: { job: 'holdfast-api', instance: 'a' },
          summary: 'holdfast-api a answers late: its event loop stands still.',
        },
      ],
      silent: [
        // Every sample has the 100 ms between two of them in it.
        { series: `${LAG}{job="holdfast-api",instance="a"}`, values: '0.55x10' },
        { series: `${LAG}{job="holdfast-worker",instance="b"}`, values: '0.1 0.1 3 0.1 0.1 0.1 3 0.1' },
      ],
    },
  },
  {
    name: 'HoldfastSlotsExhausted',
    severity: 'warning',
    expr: 'max(holdfast_slots{state="free"}) == 0 and max(holdfast_slots{state="total"}) > 0',
    for: '5m',
    summary: 'All slots have been taken for five minutes: new sessions wait.',
    proof: {
      at: '10m',
      fires: [
        { series: 'holdfast_slots{state="free"}', values: '1 0x20' },
        { series: 'holdfast_slots{state="total"}', values: '8x20' },
      ],
      fired: [{ summary: 'All slots have been taken for five minutes: new sessions wait.' }],
      silent: [
        { series: 'holdfast_slots{state="free"}', values: '0 0 0 0 0 0 0 1 0 0 0' },
        { series: 'holdfast_slots{state="total"}', values: '8x20' },
      ],
    },
  },
  {
    name: 'HoldfastBrowsersLeft',
    severity: 'warning',
    expr: 'max by (kind) (holdfast_orphans) > 0',
    for: '1m',
    summary: '{{ $value }} of kind {{ $labels.kind }} were left behind and are not cleaned up.',
    proof: {
      at: '5m',
      fires: [{ series: 'holdfast_orphans{kind="browser"}', values: '0 2x10' }],
      fired: [
        {
          labels: { kind: 'browser' },
          summary: '2 of kind browser were left behind and are not cleaned up.',
        },
      ],
      silent: [{ series: 'holdfast_orphans{kind="browser"}', values: '0 2 0 0 2 0 0' }],
    },
  },
];
