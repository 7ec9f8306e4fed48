import { systemClock } from '../../../src/core/clock';
import { createLogger } from '../../../src/core/logger';
import { Metrics } from '../../../src/metrics/metrics';
import { ClusterExporter } from '../../../src/http/cluster-exporter';

describe('whether Redis is up', () => {
  it.each([
    ['is not, when it refuses connections', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 0],
    ['is not, when it does not answer in time', new Error('Command timed out'), 0],
    ['is, when it answers with an error', new Error('WRONGTYPE Operation against a key'), 1],
  ])('it %s', async (_what, error, expected) => {
    const metrics = new Metrics();
    const exporter = new ClusterExporter({
      metrics,
      readFigures: () => Promise.reject(error),
      clock: systemClock,
      log: createLogger('test', 'silent'),
    });
    await exporter.refresh();
    expect(await metrics.registry.text()).toMatch(new RegExp(`^holdfast_redis_up ${expected}$`, 'm'));
  });
});
