import type { Dialect, DialectParts } from './dialect';
import { steel } from './steel/steel';

/** Every dialect. A new one is a folder and a line here. */
export const dialects = (parts: DialectParts): readonly Dialect[] => [steel(parts)];
