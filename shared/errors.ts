/** What an error of this project contains besides its message. */
export interface ErrorDetails {
  /** What the reader can do about it, as an imperative sentence. */
  readonly nextStep?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Base class of the errors that this project throws deliberately. `message` and `nextStep` are printed and logged, so
 * they never contain a password or a value of a row.
 */
export class BackgroundConsumerError extends Error {
  override readonly name: string = 'BackgroundConsumerError';
  /** A short name that stays the same across releases, such as `invalid-registry`. */
  readonly code: string;
  readonly nextStep: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.nextStep = details.nextStep;
  }
}

/** The message and the next step as two sentences. A server's message may end with a period already. */
export function withNextStep(message: string, nextStep: string | undefined): string {
  return nextStep === undefined ? message : `${message.replace(/\.$/, '')}. ${nextStep}`;
}

/** Something that the operator wrote is wrong: the registry, an option or an environment variable. */
export class ConfigurationError extends BackgroundConsumerError {
  override readonly name: string = 'ConfigurationError';
}

/** A server cannot be reached, or rejects the connection. */
export class ConnectionError extends BackgroundConsumerError {
  override readonly name: string = 'ConnectionError';
}
