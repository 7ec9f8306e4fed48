const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * Orders the files of a run. End-to-end files use the processor most of the time, integration files wait most of the
 * time: mixed evenly, each fills what the other leaves. Unit files are short and come last, so that no worker is idle
 * for long at the end. Within a tier it is Jest's order: failed, slow and large files first.
 */
module.exports = class TierSequencer extends Sequencer {
  /** @param {import('@jest/test-result').Test[]} tests */
  sort(tests) {
    const sorted = super.sort(tests);
    const tier = (/** @type {string} */ name) =>
      sorted.filter(test => test.context.config.displayName?.name === name);
    return [...mixed(tier('e2e'), tier('integration')), ...tier('unit')];
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
