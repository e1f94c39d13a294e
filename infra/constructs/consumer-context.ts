import type { RemovalPolicy } from 'aws-cdk-lib';
import type { Registry } from '../../shared/registry/types.ts';
import type { Network } from './network.ts';
import type { Settings } from './settings.ts';

/** What the functions of one consumer share. */
export interface ConsumerContext {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly serviceName: string;
  readonly network: Network;
  /** What happens to created servers and to logs when the stack is deleted. */
  readonly removal: RemovalPolicy;
}
