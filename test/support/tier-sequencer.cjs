const { relative } = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * The files that take longest, in seconds. Jest remembers how long each file took, but only on this machine: without
 * this list, a first run would begin some of these when all others are done.
 *
 * @type {Record<string, number>}
 */
const SLOW = {
  'test/e2e/redis-away.long.test.ts': 95,
  'test/e2e/packages.long.test.ts': 90,
  'test/e2e/drain.long.test.ts': 70,
  'test/e2e/processes-killed.long.test.ts': 60,
  'test/e2e/session-run.long.test.ts': 55,
  'test/e2e/contexts.killed.long.test.ts': 60,
  'test/e2e/cli.long.test.ts': 55,
  'test/e2e/contexts.long.test.ts': 50,
  'test/e2e/contexts.storage-state.long.test.ts': 32,
  'test/e2e/ingress.long.test.ts': 55,
  'test/e2e/chaos.test.ts': 45,
  'test/e2e/gateway-clients.test.ts': 45,
  'test/e2e/keeper.companions.long.test.ts': 45,
  'test/e2e/keeper.processes.long.test.ts': 45,
  'test/integration/run-process.test.ts': 40,
  'test/integration/http.process.long.test.ts': 40,
  'test/e2e/clock-skew.long.test.ts': 35,
  'test/e2e/session-downloads.long.test.ts': 35,
  'test/e2e/setup.long.test.ts': 35,
  'test/integration/redis-access.long.test.ts': 35,
  'test/e2e/client.long.test.ts': 30,
  'test/e2e/dashboards.long.test.ts': 30,
  'test/e2e/keeper.browsers.long.test.ts': 30,
  'test/e2e/session-ends.test.ts': 30,
  'test/integration/supervisor.long.test.ts': 30,
  'test/e2e/firewall.test.ts': 50,
  'test/e2e/resource-limits.long.test.ts': 25,
  'test/integration/dialects/testmu.test.ts': 45,
  'test/e2e/cage.test.ts': 30,
  'test/e2e/nothing-left.test.ts': 45,
  'test/e2e/session-options.long.test.ts': 25,
  'test/e2e/two-machines.long.test.ts': 25,
  'test/e2e/workers-dead.long.test.ts': 25,
  'test/integration/http.sessions.test.ts': 25,
  'test/integration/http.streams.test.ts': 25,
  'test/integration/ingress/recovery.long.test.ts': 25,
  'test/integration/openapi.test.ts': 25,
  'test/integration/queue/hostile.long.test.ts': 25,
  'test/integration/queue/repair.long.test.ts': 25,
  'test/e2e/queue.long.test.ts': 20,
  'test/e2e/session-companions.long.test.ts': 20,
  'test/integration/client.test.ts': 20,
  'test/integration/engine/starvation.long.test.ts': 20,
  'test/integration/gateway.test.ts': 20,
  'test/integration/http.fuzz.test.ts': 20,
  'test/integration/http.outage.test.ts': 20,
  'test/integration/ingress/producer.test.ts': 20,
  'test/integration/queue-board.test.ts': 20,
  'test/integration/supervisor.watch.long.test.ts': 20,
  'test/unit/machines/session.properties.test.ts': 20,
  'test/unit/core/server-frames.test.ts': 20,
  'test/unit/observability/promtool.test.ts': 10,
  'test/unit/machines/session.paths.test.ts': 10,
};
const OTHERS_MS = 5_000;

/**
 * Orders the files of a run. End-to-end files use the processor most of the time, integration files wait most of the
 * time: mixed evenly, each fills what the other leaves. Unit files are short and come last, so that no worker is idle
 * for long at the end. Within a tier it is Jest's order: failed files first, then slow ones.
 */
module.exports = class TierSequencer extends Sequencer {
  /** @param {import('@jest/test-result').Test[]} tests */
  sort(tests) {
    const sorted = super.sort(tests);
    const tier = (/** @type {string} */ name) =>
      sorted.filter(test => test.context.config.displayName?.name === name);
    return [...mixed([...tier('long'), ...tier('e2e')], tier('integration')), ...tier('unit')];
  }

  /**
   * How long a file is expected to take.
   *
   * @param {import('@jest/test-result').Test} test
   */
  time(test) {
    const seconds = SLOW[relative(test.context.config.rootDir, test.path)];
    return super.time(test) ?? (seconds === undefined ? OTHERS_MS : seconds * 1_000);
  }
};

/**
 * Merges two lists: each keeps its order and is spread evenly over the result.
 *
 * @template T
 * @param {T[]} some
 * @param {T[]} others
 */
function mixed(some, others) {
  const placed = [some, others].flatMap(list => list.map((item, at) => ({ item, place: at / list.length })));
  return placed.sort((one, other) => one.place - other.place).map(({ item }) => item);
}
