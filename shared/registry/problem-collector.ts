import { RegistryError, type RegistryProblem } from './problems.ts';
import { maskRedisUri } from './redis-uri.ts';
import type { YamlDocument } from './yaml-document.ts';

const NEXT_STEP = 'Correct the registry. It is the YAML file that the BeeORM application itself loads.';
const MAX_SHOWN_LENGTH = 120;

/** Collects all problems of a registry, so that they can be corrected at once. */
export class ProblemCollector {
  readonly #source: string;
  readonly #document: YamlDocument;
  readonly #problems: RegistryProblem[] = [];

  constructor(source: string, document: YamlDocument) {
    this.#source = source;
    this.#document = document;
  }

  /** @param found a description of the wrong value, without secrets */
  add(path: readonly string[], found: string, expected: string): void {
    const line = this.#document.lineOf(path);
    this.#problems.push({ path: path.map(displayKey).join('.'), line, found, expected });
  }

  /** The value if it is a map; otherwise adds a problem and returns undefined. */
  mapOf(path: readonly string[], value: unknown, expected: string): Record<string, unknown> | undefined {
    if (isMap(value)) return value;
    this.add(path, describeKind(value), expected);
    return undefined;
  }

  throwIfAny(): void {
    if (this.#problems.length > 0) {
      const sorted = this.#problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
      throw new RegistryError(this.#source, sorted, NEXT_STEP);
    }
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Describes a value by its type. Strings are not shown, because they may contain a password. */
export function describeKind(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return `the ${typeof value === 'boolean' ? 'boolean' : 'number'} ${value}`;
  const isEmpty = value === '' || (Array.isArray(value) && value.length === 0);
  const kind = typeof value === 'string' ? 'string' : Array.isArray(value) ? 'list' : 'map';
  return isEmpty ? `an empty ${kind}` : `a ${kind}`;
}

/** A string without secrets, in quotes, on one line and of limited length. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text);
}

/** A key on one line. If an address was written in place of a key, its password is masked. */
function displayKey(key: string): string {
  return /^[\w:./-]+$/.test(key) ? key : quote(maskRedisUri(key));
}
