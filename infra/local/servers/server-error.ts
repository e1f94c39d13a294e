import { BackgroundConsumerError } from '../../../shared/errors.ts';

/** A server of ours could not be found, installed or started. */
export class ServerError extends BackgroundConsumerError {
  override readonly name: string = 'ServerError';
}

/** Another process took the port between its choice and the server's start: another port helps. */
export class PortTakenError extends ServerError {
  override readonly name: string = 'PortTakenError';
}
