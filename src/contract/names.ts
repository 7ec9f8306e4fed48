import { z } from 'zod';

const NAME_MAX = 128;
const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u;

/** The name of a session. */
export const sessionName = z
  .string()
  .max(NAME_MAX, `must have at most ${NAME_MAX} characters`)
  .regex(PRINTABLE, 'must be printable')
  .nullable();

/** The name of a context. Unicode knows several spellings of one text: they must not be names of two contexts. */
export const contextName = sessionName
  .unwrap()
  .regex(/\S/u, 'must not be empty')
  .overwrite(text => text.normalize('NFC'));
