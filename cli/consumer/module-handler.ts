import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import {
  type EntryEvent,
  type EntryHandler,
  type HandlerAnswer,
  handlerFailed,
} from '../../functions/poller/channels/own-streams/entry-handler.ts';
import { ConfigurationError } from '../../shared/errors.ts';

/** The second argument of a module's `handler`: the parts of Lambda's context that apply in this process. */
interface ModuleContext {
  /** The module's path. */
  readonly functionName: string;
  /** Unique to this invocation. */
  readonly awsRequestId: string;
  readonly getRemainingTimeInMillis: () => number;
}

type HandlerFunction = (event: EntryEvent, context: ModuleContext) => unknown;

/** A handler that runs in this process: `export const handler = async (event, context) => …`. */
export class ModuleHandler implements EntryHandler {
  readonly #path: string;
  readonly #handler: HandlerFunction;
  readonly #timeoutMs: number;

  constructor(path: string, handler: HandlerFunction, timeoutMs: number) {
    this.#path = path;
    this.#handler = handler;
    this.#timeoutMs = timeoutMs;
  }

  async invoke(event: EntryEvent): Promise<HandlerAnswer> {
    const endsAt = Date.now() + this.#timeoutMs;
    try {
      const reply = await this.#handler(event, {
        functionName: this.#path,
        awsRequestId: randomUUID(),
        getRemainingTimeInMillis: () => Math.max(0, endsAt - Date.now()),
      });
      return { kind: 'answered', reply };
    } catch (error) {
      return error instanceof Error
        ? handlerFailed(error.name, messageOf(error))
        : handlerFailed('Error', String(error));
    }
  }
}

/** Includes the messages of aggregated errors, because Powertools' own message says only that all records failed. */
function messageOf(error: Error): string {
  const all = 'recordErrors' in error ? error.recordErrors : 'errors' in error ? error.errors : [];
  const parts = Array.isArray(all) ? all.filter((part) => part instanceof Error) : [];
  return [error.message, ...parts.map(({ name, message }) => `${name}: ${message}`)].join(' ');
}

/**
 * Imports the module, which runs its top-level code.
 * @throws ConfigurationError if it cannot be imported or exports no function `handler`
 */
export async function loadModuleHandler(path: string, timeoutMs: number): Promise<ModuleHandler> {
  const exported = await importModule(path);
  const handler = handlerOf(exported);
  if (handler === undefined) throw unusable(path, 'it does not export a function `handler`');
  return new ModuleHandler(path, handler, timeoutMs);
}

async function importModule(path: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (cause) {
    throw unusable(path, cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), cause);
  }
}

function handlerOf(exported: unknown): HandlerFunction | undefined {
  if (typeof exported !== 'object' || exported === null || !('handler' in exported)) return undefined;
  const { handler } = exported;
  if (typeof handler !== 'function') return undefined;
  return (event, context) => Reflect.apply(handler, undefined, [event, context]);
}

function unusable(path: string, reason: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError('invalid-handler', `handler ${path} cannot be used: ${reason}`, {
    nextStep: 'Export `const handler = async (event) => …` from an ECMAScript module that Node can import.',
    cause,
  });
}
