const { default: Sequencer } = require('@jest/test-sequencer');

/* The longest files are in the later tiers: begun first, they end while the short ones fill the other workers. */
const TIERS = ['e2e', 'integration', 'unit'];

/** @param {import('@jest/test-result').Test} test */
const rank = test => TIERS.indexOf(test.context.config.displayName?.name ?? '');

/** Orders the files of a run by tier, and within one as Jest does: failed, slow and large ones first. */
module.exports = class TierSequencer extends Sequencer {
  /** @param {import('@jest/test-result').Test[]} tests */
  sort(tests) {
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
};
