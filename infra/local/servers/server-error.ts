import { BackgroundConsumerError } from '../../../shared/errors.ts';

/** A local server could not be found, installed or started. */
export class ServerError extends BackgroundConsumerError {
  override readonly name: string = 'ServerError';
}

/** Another process took the chosen port before the server started. Retry with another port. */
export class PortTakenError extends ServerError {
  override readonly name: string = 'PortTakenError';
}
