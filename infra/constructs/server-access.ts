import { isIPv4 } from 'node:net';
import { type ISecurityGroup, Peer, Port, type SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { open } from './network.ts';

/** Opens a function's security group for a server that is there. */
export function openForServer(
  from: SecurityGroup,
  { host, port }: { readonly host: string; readonly port: number },
  to: ISecurityGroup | undefined,
  description: string,
): void {
  if (to !== undefined) {
    open(from, to, Port.tcp(port), description);
    return;
  }
  const peer = isIPv4(host) ? Peer.ipv4(`${host}/32`) : Peer.anyIpv4();
  from.addEgressRule(peer, Port.tcp(port), description);
}
