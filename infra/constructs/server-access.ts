import { isIPv4, isIPv6 } from 'node:net';
import { Annotations } from 'aws-cdk-lib';
import { type IPeer, type ISecurityGroup, Peer, Port, type SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { describable, open } from './network.ts';
import { propsError } from './problems.ts';

/** What is known of a server that is there, beside its address. */
export interface ServerAccess {
  readonly host?: string;
  readonly port?: number;
  readonly secret?: ISecret;
  readonly securityGroup?: ISecurityGroup;
}

/** Opens a function's security group for a server, and the server's for the function. */
export function openForServer(
  scope: Construct,
  from: SecurityGroup,
  { host, port }: { readonly host: string; readonly port: number },
  access: ServerAccess,
  { path, name }: { readonly path: string; readonly name: string },
): void {
  // The secret may name another host.
  const isCertain = access.host !== undefined || access.secret === undefined;
  if (access.host === undefined && isCertain && isThisMachine(host)) {
    Annotations.of(scope).addWarningV2(
      `background-consumer:loopback-${path}`,
      `${path}: the registry names ${host}, where a function meets nobody but itself. Give host.`,
    );
  }
  openPort(from, port, access, name, isCertain ? peerOf(host) : Peer.anyIpv4());
}

/** Opens a port of servers whose addresses aren't known, unless their security group is. */
export function openPort(
  from: SecurityGroup,
  port: number,
  { securityGroup }: ServerAccess,
  name: string,
  peer: IPeer = Peer.anyIpv4(),
): void {
  if (securityGroup === undefined) from.addEgressRule(peer, Port.tcp(port), describable(name));
  else open(from, securityGroup, Port.tcp(port), name);
}

function peerOf(host: string): IPeer {
  if (isIPv4(host)) return Peer.ipv4(`${host}/32`);
  return isIPv6(host) ? Peer.ipv6(`${host}/128`) : Peer.anyIpv4();
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d/.test(host);
}

/**
 * What a function is told of the secret. An address that is given stands whatever the secret says: RDS writes its own
 * server's into it, past a proxy that is meant.
 */
export function secretOf({ secret, host, port }: ServerAccess): object {
  if (secret === undefined) return {};
  const isAddressGiven = host !== undefined || port !== undefined;
  return { secret: secret.secretArn, ...(isAddressGiven ? { isAddressGiven } : {}) };
}

export function unreachableSocket(path: string): Error {
  return propsError(
    `${path}.host`,
    'is missing, and the registry names a socket, which no function can reach',
    'Give the host and port under which the server is reached from the VPC.',
  );
}
