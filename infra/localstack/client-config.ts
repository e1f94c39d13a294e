import type { LocalStackAddress } from './localstack.ts';

/** For AWS's clients in a process that is not to take on LocalStack's environment. */
export interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export function clientConfig({ endpoint, region, environment }: LocalStackAddress): ClientConfig {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = environment;
  return {
    endpoint,
    region,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
  };
}
