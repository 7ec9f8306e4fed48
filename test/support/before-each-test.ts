import { restartSlowdown } from './slowdown';

beforeEach(restartSlowdown);
