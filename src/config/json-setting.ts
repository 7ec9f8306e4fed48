import { readFileSync } from 'node:fs';
import { nearestWord } from './nearest-word';
import { TENANT_PATTERN, TENANT_RULE } from './tenants';

/** The longest file that is read. */
const FILE_MAX_BYTES = 1_048_576;

/** The members of an object of JSON. */
export type JsonMembers = Readonly<Record<string, unknown>>;

/** A setting that is JSON, or `@` and the path of a file of JSON, and everything that is wrong with it. */
export class JsonSetting {
  readonly problems: string[] = [];

  constructor(private readonly name: string) {}

  /** Its members; none if it is not set, or cannot be read. */
  parse(text: string | undefined): JsonMembers {
    if (text === undefined) return {};
    const path = text.startsWith('@') ? text.slice(1) : null;
    try {
      const json = path === null ? text : readFileSync(path, 'utf8');
      if (json.length > FILE_MAX_BYTES) throw new Error(`is larger than ${FILE_MAX_BYTES} bytes`);
      return this.object('', JSON.parse(json));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const reason = error instanceof SyntaxError ? `is not JSON: ${message}` : message;
      this.problems.push(`${this.name}: ${path === null ? '' : `${path}: `}${reason}`);
      return {};
    }
  }

  /** An object; an empty one if the value is none. */
  object(place: string, value: unknown): JsonMembers {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      // SAFETY: an object of JSON has only own members, by name.
      return value as JsonMembers;
    this.wrong(place, 'must be an object');
    return {};
  }

  /** What `read` makes of the member of each tenant. */
  byTenant<T>(
    place: string,
    value: unknown,
    read: (place: string, given: unknown) => T,
  ): Readonly<Record<string, T>> {
    return Object.fromEntries(
      Object.entries(this.object(place, value)).map(([tenant, given]) => {
        const at = below(place, tenant);
        if (!TENANT_PATTERN.test(tenant)) this.wrong(at, `the name of a tenant ${TENANT_RULE}`);
        return [tenant, read(at, given)];
      }),
    );
  }

  /** Members that do not exist are mistakes; the word that was probably meant is named. */
  refuseUnknown(place: string, members: JsonMembers, known: readonly string[]): void {
    for (const name of Object.keys(members).filter(member => !known.includes(member))) {
      const meant = nearestWord(name, known);
      this.wrong(below(place, name), `is not known${meant === null ? '' : `; did you mean ${meant}?`}`);
    }
  }

  wrong(place: string, what: string): void {
    this.problems.push(`${this.name}: ${place === '' ? '' : `${place}: `}${what}`);
  }
}

const below = (place: string, name: string): string =>
  place === '' ? shown(name) : `${place}.${shown(name)}`;

/* Names come from a file that somebody wrote by hand; they are shown in one line. */
const shown = (name: string): string => JSON.stringify(name.slice(0, 64)).slice(1, -1);
