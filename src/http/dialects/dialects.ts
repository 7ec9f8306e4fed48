import type { ErrorAnswer } from '../edge/problem';
import { agentBay } from './agentbay/agentbay';
import { agentBayErrorAnswer } from './agentbay/errors';
import { AGENTBAY_HOSTS } from './agentbay/hosts';
import type { Dialect, DialectParts } from './dialect';
import { notte } from './notte/notte';
import { steel } from './steel/steel';
import { testmu } from './testmu/testmu';

/** Every dialect. A new one is a folder and a line here. */
export const dialects = (parts: DialectParts): readonly Dialect[] => [
  steel(parts),
  notte(parts),
  agentBay(parts),
  testmu(parts),
];

/** What the TLS listener has to know before there is a service: of the dialect whose clients speak TLS only. */
export const TLS_DIALECT: {
  readonly hosts: readonly string[];
  readonly path: string;
  readonly errorAnswer: ErrorAnswer;
} = {
  hosts: AGENTBAY_HOSTS,
  path: '/',
  errorAnswer: agentBayErrorAnswer,
};
